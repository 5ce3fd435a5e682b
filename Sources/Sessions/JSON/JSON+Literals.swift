extension JSON: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral {
    public init(nilLiteral: ()) { self = .null }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(integerLiteral value: Int64) { self = .int(value) }
    public init(floatLiteral value: Double) { self = .double(value) }
}

/// Values that are no literals: `["price": JSON(price), "count": JSON(trades.count)]`.
extension JSON {
    /// A number; null when it is not finite.
    public init(_ value: Double) { self = .double(value) }
    /// A whole number; beyond 64 bits it is written as the nearest double.
    public init(_ value: some BinaryInteger) { self = Int64(exactly: value).map { .int($0) } ?? .double(Double(value)) }
    public init(_ value: some StringProtocol) { self = .string(String(value)) }
    public init(_ value: Bool) { self = .bool(value) }
}

extension JSON: ExpressibleByStringInterpolation, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral {
    public init(stringLiteral value: String) { self = .string(value) }
    public init(arrayLiteral elements: JSON...) { self = .array(elements) }

    /// Keeps the literal's order.
    public init(dictionaryLiteral elements: (String, JSON)...) { self = .object(JSONObject(elements)) }
}

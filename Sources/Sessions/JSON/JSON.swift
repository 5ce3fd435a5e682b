/// A JSON value, for building events and reading small documents.
///
/// Two values are equal when they are built alike: `1` is not `1.0`, and the order of an object's members counts.
public enum JSON: Sendable, Hashable {
    case null
    case bool(Bool)
    case int(Int64)

    /// JSON has no NaN and no infinities: those are encoded as `null`.
    case double(Double)
    case string(String)
    case array([JSON])
    case object(JSONObject)
}

extension JSON {
    public var objectValue: JSONObject? {
        if case .object(let object) = self { object } else { nil }
    }

    public var arrayValue: [JSON]? {
        if case .array(let array) = self { array } else { nil }
    }

    public var stringValue: String? {
        if case .string(let string) = self { string } else { nil }
    }

    public var boolValue: Bool? {
        if case .bool(let bool) = self { bool } else { nil }
    }

    /// Integers as they were written: `1.0` and `1e3` are none.
    public var intValue: Int64? {
        if case .int(let int) = self { int } else { nil }
    }

    /// Any number; integers beyond 2⁵³ lose precision.
    public var doubleValue: Double? {
        switch self {
        case .double(let double): double
        case .int(let int): Double(int)
        default: nil
        }
    }

    /// The member `key` of an object; nil for any other value.
    public subscript(key: String) -> JSON? { objectValue?[key] }
}

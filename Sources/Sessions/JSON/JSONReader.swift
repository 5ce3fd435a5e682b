/// Builds the `JSON` value a text stands for. Recursion ends at `JSONScanner.depthMax`.
///
/// Flow: JSONScanner → **JSONReader** → JSON
struct JSONReader {
    private var scanner = JSONScanner()

    mutating func document(_ text: Span<UInt8>) throws(JSONFault) -> JSON {
        let value = try value(text, depth: 0)
        try scanner.end(text)
        return value
    }

    private mutating func value(_ text: Span<UInt8>, depth: Int) throws(JSONFault) -> JSON {
        scanner.skipWhitespace(text)
        let start = scanner.position
        switch try scanner.scalarOrOpening(text) {
        case .null: return .null
        case .bool: return .bool(text[start] == UInt8(ascii: "t"))
        case .number: return try number(text, start..<scanner.position)
        case .string(let string): return .string(JSONText.decode(string.contents, of: text))
        case .array:
            guard depth < JSONScanner.depthMax else { throw JSONFault(reason: .tooDeep, offset: start) }
            return try array(text, depth: depth + 1)
        case .object:
            guard depth < JSONScanner.depthMax else { throw JSONFault(reason: .tooDeep, offset: start) }
            return try object(text, depth: depth + 1)
        }
    }

    private mutating func array(_ text: Span<UInt8>, depth: Int) throws(JSONFault) -> JSON {
        var elements: [JSON] = []
        while try scanner.nextElement(text, isFirst: elements.isEmpty) {
            elements.append(try value(text, depth: depth))
        }
        return .array(elements)
    }

    private mutating func object(_ text: Span<UInt8>, depth: Int) throws(JSONFault) -> JSON {
        var object = JSONObject()
        while let key = try scanner.nextKey(text, isFirst: object.isEmpty) {
            object.append(JSONText.decode(key.contents, of: text), try value(text, depth: depth))
        }
        return .object(object)
    }

    private func number(_ text: Span<UInt8>, _ range: Range<Int>) throws(JSONFault) -> JSON {
        let digits = JSONText.decode(range, of: text)
        // Int64 refuses fractions, exponents and what does not fit: those become doubles.
        if let int = Int64(digits) { return .int(int) }
        guard let double = Double(digits), double.isFinite else { throw JSONFault(reason: .numberOutOfRange, offset: range.lowerBound) }
        return .double(double)
    }
}

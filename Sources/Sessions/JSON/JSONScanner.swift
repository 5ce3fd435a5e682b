/// A strict cursor over one JSON text (RFC 8259): it checks and finds, it copies nothing and allocates nothing.
///
/// Stricter than the RFC demands where leniency is an attack: the bytes must be UTF-8, a byte order mark is refused, nesting ends at 64.
/// Looser nowhere; lone `\ud800` escapes are allowed by its grammar (§8.2) and pass.
///
/// Every method takes the same text; the scanner holds only its position, since a stored `Span` would need experimental lifetimes.
///
/// Flow: message bytes → **JSONScanner** → EventParser, ClientCommand, JSON.parse
package struct JSONScanner: Sendable {
    /// The deepest nesting of arrays and objects. Bounds the bit stack in `value` and the recursion of `JSON.parse`.
    package static let depthMax = 64

    package var position: Int

    package init(at position: Int = 0) {
        self.position = position
    }

    /// A whole text: one value with nothing but whitespace around.
    package mutating func document(_ text: Span<UInt8>) throws(JSONFault) -> JSONValueToken {
        let value = try value(text)
        try end(text)
        return value
    }

    /// Nothing but whitespace up to the end.
    package mutating func end(_ text: Span<UInt8>) throws(JSONFault) {
        skipWhitespace(text)
        guard position == text.count else { throw JSONFault(reason: .textAfterValue, offset: position) }
    }

    /// One value with all it holds, nested at most `depthMax` levels.
    package mutating func value(_ text: Span<UInt8>, depthMax: Int = JSONScanner.depthMax) throws(JSONFault) -> JSONValueToken {
        let first = skipWhitespace(text)
        let start = position
        let kind = try scalarOrOpening(text, startingWith: first)
        switch kind {
        case .object: try rest(of: .object, text, openedAt: start, depthMax: depthMax)
        case .array: try rest(of: .array, text, openedAt: start, depthMax: depthMax)
        default: break
        }
        return JSONValueToken(kind: kind, range: start..<position)
    }

    /// One member of an object whose `{` was read: its key and its value. `nil` once the `}` was read.
    @inline(__always)
    package mutating func nextMember(
        _ text: Span<UInt8>, isFirst: Bool, depthMax: Int = JSONScanner.depthMax
    ) throws(JSONFault) -> (key: JSONStringToken, value: JSONValueToken)? {
        guard let key = try nextKey(text, isFirst: isFirst) else { return nil }
        return (key, try value(text, depthMax: depthMax))
    }

    /// The next key of an object whose `{` was read, and its colon. `nil` once the `}` was read.
    @inline(__always)
    package mutating func nextKey(_ text: Span<UInt8>, isFirst: Bool) throws(JSONFault) -> JSONStringToken? {
        var byte = skipWhitespace(text)
        if byte == UInt8(ascii: "}") {
            position += 1
            return nil
        }
        if !isFirst {
            guard byte == UInt8(ascii: ",") else { throw fault(.commaOrBraceExpected, text) }
            position += 1
            byte = skipWhitespace(text)
            if byte == UInt8(ascii: "}") { throw JSONFault(reason: .trailingComma, offset: position) }
        }
        guard byte == UInt8(ascii: "\"") else { throw fault(.keyExpected, text) }
        let key = try string(text)
        guard skipWhitespace(text) == UInt8(ascii: ":") else { throw fault(.colonExpected, text) }
        position += 1
        return key
    }

    /// Whether another element follows in an array whose `[` was read; the comma before it is read. False once the `]` was read.
    @inline(never)
    package mutating func nextElement(_ text: Span<UInt8>, isFirst: Bool) throws(JSONFault) -> Bool {
        let byte = skipWhitespace(text)
        if byte == UInt8(ascii: "]") {
            position += 1
            return false
        }
        if !isFirst {
            guard byte == UInt8(ascii: ",") else { throw fault(.commaOrBracketExpected, text) }
            position += 1
            if skipWhitespace(text) == UInt8(ascii: "]") { throw JSONFault(reason: .trailingComma, offset: position) }
        }
        return true
    }

    /// A value that holds no others, or the bracket that opens one that does.
    package mutating func scalarOrOpening(_ text: Span<UInt8>) throws(JSONFault) -> JSONValueToken.Kind {
        let first = skipWhitespace(text)
        return try scalarOrOpening(text, startingWith: first)
    }

    /// As above, where the position is at its first byte.
    @inline(__always)
    private mutating func scalarOrOpening(_ text: Span<UInt8>, startingWith first: UInt8) throws(JSONFault) -> JSONValueToken.Kind {
        switch first {
        case UInt8(ascii: "\""):
            return .string(try string(text))
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            try number(text)
            return .number
        case UInt8(ascii: "{"):
            position += 1
            return .object
        case UInt8(ascii: "["):
            position += 1
            return .array
        default:
            return try literal(text, startingWith: first)
        }
    }

    /// Passes whitespace.
    ///
    /// Inlined, as are the ways that nearly every key and scalar goes: calls between them would cost as much as they do.
    /// - Returns: what `peek` tells behind it.
    @inline(__always)
    @discardableResult
    package mutating func skipWhitespace(_ text: Span<UInt8>) -> UInt8 {
        let byte = peek(text)
        return byte > UInt8(ascii: " ") ? byte : skipMoreWhitespace(text)
    }

    @inline(never)
    private mutating func skipMoreWhitespace(_ text: Span<UInt8>) -> UInt8 {
        while true {
            let byte = peek(text)
            switch byte {
            case UInt8(ascii: " "), UInt8(ascii: "\n"), UInt8(ascii: "\r"), UInt8(ascii: "\t"): position += 1
            default: return byte
            }
        }
    }

    /// The rest of a container whose bracket was read. A loop over a stack of one bit per level: nothing a peer sends can overflow it.
    private mutating func rest(
        of container: OpenContainers.Container, _ text: Span<UInt8>, openedAt start: Int, depthMax: Int
    ) throws(JSONFault) {
        var open = OpenContainers()
        try open.push(container, at: start, depthMax: depthMax)
        var isFirst = true
        while let innermost = open.innermost {
            let continues =
                switch innermost {
                case .object: try nextKey(text, isFirst: isFirst) != nil
                case .array: try nextElement(text, isFirst: isFirst)
                }
            isFirst = false
            guard continues else {
                open.pop()
                continue
            }
            // As `scalarOrOpening` does, whose result nobody asks for here.
            let first = skipWhitespace(text)
            switch first {
            case UInt8(ascii: "\""): _ = try string(text)
            case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): try number(text)
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                try open.push(first == UInt8(ascii: "{") ? .object : .array, at: position, depthMax: depthMax)
                position += 1
                isFirst = true
            default: _ = try literal(text, startingWith: first)
            }
        }
    }

    /// The byte at the position; 0, which nothing in JSON begins with, at the end.
    @inline(__always)
    func peek(_ text: Span<UInt8>) -> UInt8 {
        // One check, where the subscript would make a second.
        UInt(bitPattern: position) < UInt(bitPattern: text.count) ? unsafe text[unchecked: position] : 0
    }

    func fault(_ reason: JSONFault.Reason, _ text: Span<UInt8>) -> JSONFault {
        JSONFault(reason: position < text.count ? reason : .endOfText, offset: position)
    }
}

/// The arrays and objects that are open, outermost first, one bit each.
private struct OpenContainers {
    enum Container { case array, object }

    private var bits: UInt64 = 0
    private var depth = 0

    var innermost: Container? {
        if depth == 0 { return nil }
        return bits & 1 == 1 ? .object : .array
    }

    mutating func push(_ container: Container, at offset: Int, depthMax: Int) throws(JSONFault) {
        guard depth < min(depthMax, UInt64.bitWidth) else { throw JSONFault(reason: .tooDeep, offset: offset) }
        depth += 1
        bits = bits << 1 | (container == .object ? 1 : 0)
    }

    mutating func pop() {
        depth -= 1
        bits >>= 1
    }
}

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
        skipWhitespace(text)
        let start = position
        let kind = try scalarOrOpening(text)
        switch kind {
        case .object: try rest(of: .object, text, openedAt: start, depthMax: depthMax)
        case .array: try rest(of: .array, text, openedAt: start, depthMax: depthMax)
        default: break
        }
        return JSONValueToken(kind: kind, range: start..<position)
    }

    /// One member of an object whose `{` was read: its key and its value. `nil` once the `}` was read.
    package mutating func nextMember(
        _ text: Span<UInt8>, isFirst: Bool, depthMax: Int = JSONScanner.depthMax
    ) throws(JSONFault) -> (key: JSONStringToken, value: JSONValueToken)? {
        guard let key = try nextKey(text, isFirst: isFirst) else { return nil }
        return (key, try value(text, depthMax: depthMax))
    }

    /// The next key of an object whose `{` was read, and its colon. `nil` once the `}` was read.
    package mutating func nextKey(_ text: Span<UInt8>, isFirst: Bool) throws(JSONFault) -> JSONStringToken? {
        skipWhitespace(text)
        if peek(text) == UInt8(ascii: "}") {
            position += 1
            return nil
        }
        if !isFirst {
            try take(UInt8(ascii: ","), text, else: .commaOrBraceExpected)
            skipWhitespace(text)
            if peek(text) == UInt8(ascii: "}") { throw JSONFault(reason: .trailingComma, offset: position) }
        }
        guard peek(text) == UInt8(ascii: "\"") else { throw fault(.keyExpected, text) }
        let key = try string(text)
        skipWhitespace(text)
        try take(UInt8(ascii: ":"), text, else: .colonExpected)
        return key
    }

    /// Whether another element follows in an array whose `[` was read; the comma before it is read. False once the `]` was read.
    package mutating func nextElement(_ text: Span<UInt8>, isFirst: Bool) throws(JSONFault) -> Bool {
        skipWhitespace(text)
        if peek(text) == UInt8(ascii: "]") {
            position += 1
            return false
        }
        if !isFirst {
            try take(UInt8(ascii: ","), text, else: .commaOrBracketExpected)
            skipWhitespace(text)
            if peek(text) == UInt8(ascii: "]") { throw JSONFault(reason: .trailingComma, offset: position) }
        }
        return true
    }

    /// A value that holds no others, or the bracket that opens one that does.
    package mutating func scalarOrOpening(_ text: Span<UInt8>) throws(JSONFault) -> JSONValueToken.Kind {
        skipWhitespace(text)
        guard position < text.count else { throw JSONFault(reason: .endOfText, offset: position) }
        switch text[position] {
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
        case UInt8(ascii: "t"):
            try literal((UInt8(ascii: "r"), UInt8(ascii: "u"), UInt8(ascii: "e")), text)
            return .bool
        case UInt8(ascii: "f"):
            try literal((UInt8(ascii: "a"), UInt8(ascii: "l"), UInt8(ascii: "s")), text)
            try letter(UInt8(ascii: "e"), text)
            return .bool
        case UInt8(ascii: "n"):
            try literal((UInt8(ascii: "u"), UInt8(ascii: "l"), UInt8(ascii: "l")), text)
            return .null
        case UInt8(ascii: "N"), UInt8(ascii: "I"):
            throw JSONFault(reason: .notFinite, offset: position)
        default:
            throw JSONFault(reason: .valueExpected, offset: position)
        }
    }

    /// Inlined, as are `peek` and `take`: they stand between any two tokens, and a call each costs an eighth of the whole scan.
    @inline(__always)
    package mutating func skipWhitespace(_ text: Span<UInt8>) {
        while position < text.count {
            switch text[position] {
            case UInt8(ascii: " "), UInt8(ascii: "\n"), UInt8(ascii: "\r"), UInt8(ascii: "\t"): position += 1
            default: return
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
            switch try scalarOrOpening(text) {
            case .object:
                try open.push(.object, at: position - 1, depthMax: depthMax)
                isFirst = true
            case .array:
                try open.push(.array, at: position - 1, depthMax: depthMax)
                isFirst = true
            default: break
            }
        }
    }

    @inline(__always)
    func peek(_ text: Span<UInt8>) -> UInt8? {
        position < text.count ? text[position] : nil
    }

    func fault(_ reason: JSONFault.Reason, _ text: Span<UInt8>) -> JSONFault {
        JSONFault(reason: position < text.count ? reason : .endOfText, offset: position)
    }

    @inline(__always)
    private mutating func take(_ byte: UInt8, _ text: Span<UInt8>, else reason: JSONFault.Reason) throws(JSONFault) {
        guard position < text.count, text[position] == byte else { throw fault(reason, text) }
        position += 1
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

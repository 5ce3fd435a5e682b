extension JSONScanner {
    /// A number by the grammar of RFC 8259 §6, any precision: `-` int frac exp.
    @inline(__always)
    @discardableResult
    package mutating func number(_ text: Span<UInt8>) throws(JSONFault) -> (range: Range<Int>, isInteger: Bool) {
        let start = position
        if peek(text) == UInt8(ascii: "-") { position += 1 }
        switch peek(text) {
        case UInt8(ascii: "0"):
            position += 1
            if isDigit(text) { throw JSONFault(reason: .leadingZero, offset: position - 1) }
        case UInt8(ascii: "I"), UInt8(ascii: "N"):
            throw JSONFault(reason: .notFinite, offset: start)
        default:
            try digits(text)
        }
        let next = peek(text)
        guard next == UInt8(ascii: ".") || next | 0x20 == UInt8(ascii: "e") else { return (start..<position, true) }
        try fractionAndExponent(text)
        return (start..<position, false)
    }

    @inline(never)
    private mutating func fractionAndExponent(_ text: Span<UInt8>) throws(JSONFault) {
        if peek(text) == UInt8(ascii: ".") {
            position += 1
            try digits(text)
        }
        if peek(text) | 0x20 == UInt8(ascii: "e") {
            position += 1
            let sign = peek(text)
            if sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") { position += 1 }
            try digits(text)
        }
    }

    /// `true`, `false` or `null`, of which the first letter was seen; or nothing that begins a value.
    @inline(never)
    mutating func literal(_ text: Span<UInt8>, startingWith first: UInt8) throws(JSONFault) -> JSONValueToken.Kind {
        switch first {
        case UInt8(ascii: "t"):
            try letters("rue", text)
            return .bool
        case UInt8(ascii: "f"):
            try letters("alse", text)
            return .bool
        case UInt8(ascii: "n"):
            try letters("ull", text)
            return .null
        case UInt8(ascii: "N"), UInt8(ascii: "I"):
            throw JSONFault(reason: .notFinite, offset: position)
        default:
            throw fault(.valueExpected, text)
        }
    }

    @inline(__always)
    private mutating func letters(_ rest: StaticString, _ text: Span<UInt8>) throws(JSONFault) {
        position += 1
        for index in 0..<rest.utf8CodeUnitCount {
            guard peek(text) == (unsafe rest.utf8Start[index]) else { throw fault(.valueExpected, text) }
            position += 1
        }
    }

    /// One digit or more.
    @inline(__always)
    private mutating func digits(_ text: Span<UInt8>) throws(JSONFault) {
        let end = text.end(of: Digits.self, from: position)
        guard end > position else { throw fault(.digitExpected, text) }
        position = end
    }

    private func isDigit(_ text: Span<UInt8>) -> Bool { peek(text) &- UInt8(ascii: "0") <= 9 }
}

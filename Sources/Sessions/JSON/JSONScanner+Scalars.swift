extension JSONScanner {
    /// A number by the grammar of RFC 8259 §6, any precision: `-` int frac exp.
    @discardableResult
    package mutating func number(_ text: Span<UInt8>) throws(JSONFault) -> (range: Range<Int>, isInteger: Bool) {
        let start = position
        var isInteger = true
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
        if peek(text) == UInt8(ascii: ".") {
            position += 1
            isInteger = false
            try digits(text)
        }
        if let byte = peek(text), byte | 0x20 == UInt8(ascii: "e") {
            position += 1
            isInteger = false
            if let sign = peek(text), sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") { position += 1 }
            try digits(text)
        }
        return (start..<position, isInteger)
    }

    /// The rest of `true`, `false` or `null`, of which the first letter was seen.
    mutating func literal(_ rest: (UInt8, UInt8, UInt8), _ text: Span<UInt8>) throws(JSONFault) {
        position += 1
        try letter(rest.0, text)
        try letter(rest.1, text)
        try letter(rest.2, text)
    }

    mutating func letter(_ letter: UInt8, _ text: Span<UInt8>) throws(JSONFault) {
        guard peek(text) == letter else { throw fault(.valueExpected, text) }
        position += 1
    }

    private mutating func digits(_ text: Span<UInt8>) throws(JSONFault) {
        guard isDigit(text) else { throw fault(.digitExpected, text) }
        var at = position + 1
        while at < text.count, text[at] &- UInt8(ascii: "0") <= 9 { at += 1 }
        position = at
    }

    private func isDigit(_ text: Span<UInt8>) -> Bool {
        guard position < text.count else { return false }
        return text[position] &- UInt8(ascii: "0") <= 9
    }
}

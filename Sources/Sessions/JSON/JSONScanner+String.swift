extension JSONScanner {
    /// A string from its opening quote to its closing one.
    @inline(__always)
    package mutating func string(_ text: Span<UInt8>) throws(JSONFault) -> JSONStringToken {
        let start = position + 1
        position = text.end(of: PlainText.self, from: start)
        guard peek(text) == UInt8(ascii: "\"") else { return try string(text, from: start) }
        position += 1
        return JSONStringToken(contents: start..<(position - 1), hasEscapes: false)
    }

    /// The rest of one that holds more than plain text, or does not end.
    @inline(never)
    private mutating func string(_ text: Span<UInt8>, from start: Int) throws(JSONFault) -> JSONStringToken {
        var hasEscapes = false
        while true {
            guard position < text.count else { throw JSONFault(reason: .endOfText, offset: position) }
            switch text[position] {
            case UInt8(ascii: "\""):
                let contents = start..<position
                position += 1
                return JSONStringToken(contents: contents, hasEscapes: hasEscapes)
            case UInt8(ascii: "\\"):
                hasEscapes = true
                try escape(text)
            case 0..<0x20:
                throw JSONFault(reason: .controlCharacter, offset: position)
            default:
                try multibyteCharacter(text)
            }
            position = text.end(of: PlainText.self, from: position)
        }
    }

    private mutating func escape(_ text: Span<UInt8>) throws(JSONFault) {
        position += 1
        switch peek(text) {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            position += 1
        case UInt8(ascii: "u"):
            position += 1
            for _ in 0..<4 {
                guard ASCII.hexadecimalValue(peek(text)) != nil else { throw fault(.malformedUnicodeEscape, text) }
                position += 1
            }
        default:
            throw fault(.unknownEscape, text)
        }
    }

    /// One character of two to four bytes. The ranges are Unicode's table 3-7: no overlong form, no surrogate, nothing past U+10FFFF.
    private mutating func multibyteCharacter(_ text: Span<UInt8>) throws(JSONFault) {
        let start = position
        let second: ClosedRange<UInt8>
        let length: Int
        switch text[position] {
        case 0xC2...0xDF: (second, length) = (0x80...0xBF, 2)
        case 0xE0: (second, length) = (0xA0...0xBF, 3)
        case 0xED: (second, length) = (0x80...0x9F, 3)
        case 0xE1...0xEF: (second, length) = (0x80...0xBF, 3)
        case 0xF0: (second, length) = (0x90...0xBF, 4)
        case 0xF1...0xF3: (second, length) = (0x80...0xBF, 4)
        case 0xF4: (second, length) = (0x80...0x8F, 4)
        default: throw JSONFault(reason: .notUTF8, offset: start)
        }
        guard text.count - start >= length, second.contains(text[start + 1]) else { throw JSONFault(reason: .notUTF8, offset: start) }
        for index in (start + 2)..<(start + length) where text[index] & 0xC0 != 0x80 {
            throw JSONFault(reason: .notUTF8, offset: start)
        }
        position = start + length
    }
}

/// The text a JSON string stands for.
package enum JSONText {
    /// Undoes the escapes of a string's contents (the bytes between its quotes).
    ///
    /// A lone surrogate, which JSON can write (`\ud800`) and Unicode text cannot hold, becomes U+FFFD; so does anything
    /// malformed, should the bytes not have been checked.
    package static func decode(_ contents: Range<Int>, of text: Span<UInt8>) -> String {
        let bytes = text.extracting(contents)
        var decoded: [UInt8] = []
        decoded.reserveCapacity(bytes.count)
        var position = 0
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            if byte != UInt8(ascii: "\\") {
                decoded.append(byte)
            } else if position < bytes.count {
                let letter = bytes[position]
                position += 1
                appendEscape(letter, bytes, &position, to: &decoded)
            }
        }
        return String(decoding: decoded, as: UTF8.self)
    }

    private static func appendEscape(_ letter: UInt8, _ bytes: Span<UInt8>, _ position: inout Int, to decoded: inout [UInt8]) {
        switch letter {
        case UInt8(ascii: "b"): decoded.append(0x08)
        case UInt8(ascii: "f"): decoded.append(0x0C)
        case UInt8(ascii: "n"): decoded.append(0x0A)
        case UInt8(ascii: "r"): decoded.append(0x0D)
        case UInt8(ascii: "t"): decoded.append(0x09)
        case UInt8(ascii: "u"): decoded.append(contentsOf: String(scalar(bytes, &position)).utf8)
        default: decoded.append(letter)
        }
    }

    /// The character after `\u`: four digits, or a surrogate pair of two escapes.
    private static func scalar(_ bytes: Span<UInt8>, _ position: inout Int) -> Character {
        let replacement: Character = "\u{FFFD}"
        guard let first = codeUnit(bytes, at: position) else { return replacement }
        position += 4
        if let scalar = Unicode.Scalar(first) { return Character(scalar) }
        guard UTF16.isLeadSurrogate(first), bytes.count - position >= 6, bytes[position] == UInt8(ascii: "\\"),
            bytes[position + 1] == UInt8(ascii: "u"), let second = codeUnit(bytes, at: position + 2), UTF16.isTrailSurrogate(second)
        else { return replacement }
        position += 6
        let value = 0x10000 + (UInt32(first) - 0xD800) << 10 + (UInt32(second) - 0xDC00)
        return Unicode.Scalar(value).map(Character.init) ?? replacement
    }

    private static func codeUnit(_ bytes: Span<UInt8>, at position: Int) -> UInt16? {
        guard bytes.count - position >= 4 else { return nil }
        var value: UInt16 = 0
        for index in position..<(position + 4) {
            guard let digit = ASCII.hexadecimalValue(bytes[index]) else { return nil }
            value = value << 4 | UInt16(digit)
        }
        return value
    }
}

/// Text from events on its way to a terminal. An event's data could otherwise move the cursor, rewrite earlier lines, set the window's
/// title or make the terminal type: whatever controls is shown as an escape, never sent.
enum SafeText {
    /// Controls (C0, DEL, C1), line separators, and what reorders the characters around it.
    static func isUnsafe(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7F...0x9F: true
        case 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069, 0xFEFF: true
        default: false
        }
    }

    /// `text` with `\u001b` where it held an escape character.
    static func escaped(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isUnsafe) else { return text }
        var escaped = ""
        for scalar in text.unicodeScalars {
            if isUnsafe(scalar) { escaped += escape(scalar) } else { escaped.unicodeScalars.append(scalar) }
        }
        return escaped
    }

    /// Text of several lines on one: line breaks and tabs become spaces.
    static func oneLine(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isBreak) else { return escaped(text) }
        var line = ""
        for scalar in text.unicodeScalars { line.unicodeScalars.append(isBreak(scalar) ? " " : scalar) }
        return escaped(line)
    }

    private static func isBreak(_ scalar: Unicode.Scalar) -> Bool { scalar == "\n" || scalar == "\r" || scalar == "\t" }

    /// One line of JSON that means the same: line breaks between tokens become spaces, or go with all other whitespace there when
    /// `compact`; unsafe characters, which valid JSON has within strings only, become its own escapes. Other bytes stay as they are.
    static func line(ofJSON text: Span<UInt8>, compact: Bool) -> [UInt8] {
        var line: [UInt8] = []
        line.reserveCapacity(text.count)
        var isInString = false
        var isEscaped = false
        var position = 0
        while position < text.count {
            let byte = text[position]
            if byte >= 0x7F {
                position += appendCharacter(text, at: position, to: &line)
                isEscaped = false
                continue
            }
            position += 1
            if isInString {
                if byte < 0x20 { line.append(contentsOf: escape(Unicode.Scalar(byte)).utf8) } else { line.append(byte) }
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isInString = false
                }
            } else if byte <= UInt8(ascii: " ") {
                if !compact { line.append(UInt8(ascii: " ")) }
            } else {
                line.append(byte)
                isInString = byte == UInt8(ascii: "\"")
            }
        }
        return line
    }

    /// One character that is not plain ASCII; returns its length.
    private static func appendCharacter(_ text: Span<UInt8>, at position: Int, to line: inout [UInt8]) -> Int {
        let length =
            switch text[position] {
            case 0xF0...: 4
            case 0xE0...: 3
            case 0xC0...: 2
            default: 1
            }
        let end = min(position + length, text.count)
        var bytes: [UInt8] = []
        for index in position..<end { bytes.append(text[index]) }
        guard let scalar = String(decoding: bytes, as: UTF8.self).unicodeScalars.first, isUnsafe(scalar) else {
            line.append(contentsOf: bytes)
            return bytes.count
        }
        line.append(contentsOf: escape(scalar).utf8)
        return bytes.count
    }

    /// Four digits: every unsafe character is of the basic plane.
    private static func escape(_ scalar: Unicode.Scalar) -> String {
        let digits = String(scalar.value, radix: 16)
        return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    }
}

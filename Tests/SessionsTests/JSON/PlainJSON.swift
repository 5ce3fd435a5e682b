import Sessions

/// RFC 8259's grammar read byte by byte, with the scanner's own faults: what the scanner, which reads sixteen at a time, is held against.
struct PlainJSON {
    private let text: [UInt8]
    private var position = 0

    /// The fault of a text that is not JSON, or nil.
    static func fault(of text: [UInt8]) -> JSONFault? {
        var reader = PlainJSON(text: text)
        do throws(JSONFault) {
            try reader.value(depth: 0)
            reader.skipWhitespace()
            if reader.position < text.count { try reader.fail(.textAfterValue) }
            return nil
        } catch { return error }
    }

    private init(text: [UInt8]) { self.text = text }

    private var next: UInt8? { position < text.count ? text[position] : nil }
    private func isNext(_ character: Unicode.Scalar) -> Bool { next == UInt8(ascii: character) }
    private var isDigitNext: Bool { next.map { (0x30...0x39).contains($0) } ?? false }

    private func fail(_ reason: JSONFault.Reason, at offset: Int? = nil) throws(JSONFault) {
        if let offset { throw JSONFault(reason: reason, offset: offset) }
        throw JSONFault(reason: next == nil ? .endOfText : reason, offset: position)
    }

    private mutating func take(_ character: Unicode.Scalar, else reason: JSONFault.Reason) throws(JSONFault) {
        if !isNext(character) { try fail(reason) }
        position += 1
    }

    private mutating func takes(_ character: Unicode.Scalar) -> Bool {
        guard isNext(character) else { return false }
        position += 1
        return true
    }

    private mutating func skipWhitespace() {
        while let byte = next, [0x20, 0x09, 0x0A, 0x0D].contains(byte) { position += 1 }
    }

    private mutating func value(depth: Int) throws(JSONFault) {
        skipWhitespace()
        if depth == 64, isNext("{") || isNext("[") { try fail(.tooDeep) }
        if isNext("\"") {
            try string()
        } else if takes("{") {
            try members(close: "}", missing: .commaOrBraceExpected) { reader throws(JSONFault) in
                if !reader.isNext("\"") { try reader.fail(.keyExpected) }
                try reader.string()
                reader.skipWhitespace()
                try reader.take(":", else: .colonExpected)
                try reader.value(depth: depth + 1)
            }
        } else if takes("[") {
            try members(close: "]", missing: .commaOrBracketExpected) { reader throws(JSONFault) in try reader.value(depth: depth + 1) }
        } else if isNext("-") || isDigitNext {
            try number()
        } else if isNext("N") || isNext("I") {
            try fail(.notFinite)
        } else {
            for word in ["true", "false", "null"] where isNext(word.unicodeScalars.first!) {
                for letter in word.unicodeScalars { try take(letter, else: .valueExpected) }
                return
            }
            try fail(.valueExpected)
        }
    }

    private mutating func members(
        close: Unicode.Scalar, missing: JSONFault.Reason, _ member: (inout PlainJSON) throws(JSONFault) -> Void
    ) throws(JSONFault) {
        skipWhitespace()
        if takes(close) { return }
        try member(&self)
        while true {
            skipWhitespace()
            if takes(close) { return }
            try take(",", else: missing)
            skipWhitespace()
            if isNext(close) { try fail(.trailingComma) }
            try member(&self)
        }
    }

    private mutating func string() throws(JSONFault) {
        position += 1
        while !takes("\"") {
            guard let byte = next else { return try fail(.endOfText) }
            if takes("\\") {
                if takes("u") {
                    for _ in 0..<4 {
                        if !(next.map { Character(Unicode.Scalar($0)).isHexDigit } ?? false) { try fail(.malformedUnicodeEscape) }
                        position += 1
                    }
                } else {
                    if !(next.map { "\"\\/bfnrt".utf8.contains($0) } ?? false) { try fail(.unknownEscape) }
                    position += 1
                }
            } else if byte < 0x20 {
                try fail(.controlCharacter)
            } else {
                // The standard library's own judgment of UTF-8.
                let length = (1...4).first { String(validating: text[position...].prefix($0), as: UTF8.self) != nil }
                guard let length else { return try fail(.notUTF8) }
                position += length
            }
        }
    }

    private mutating func number() throws(JSONFault) {
        let start = position
        _ = takes("-")
        if isNext("N") || isNext("I") { try fail(.notFinite, at: start) }
        if takes("0") {
            if isDigitNext { try fail(.leadingZero, at: position - 1) }
        } else {
            try digits()
        }
        if takes(".") { try digits() }
        if takes("e") || takes("E") {
            if !takes("+") { _ = takes("-") }
            try digits()
        }
    }

    private mutating func digits() throws(JSONFault) {
        if !isDigitNext { try fail(.digitExpected) }
        while isDigitNext { position += 1 }
    }
}

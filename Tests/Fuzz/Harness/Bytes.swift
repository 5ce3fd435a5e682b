extension [UInt8] {
    func slice(_ range: Range<Int>) -> [UInt8] { Array(self[range]) }

    var isValidUTF8: Bool { String(validating: self, as: UTF8.self) != nil }
}

extension String {
    /// No byte that could begin a new line or an escape sequence in a log, a header or a terminal.
    var hasControlCharacters: Bool { utf8.contains { $0 < 0x20 || $0 == 0x7F } }
}

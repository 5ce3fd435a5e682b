/// The bytes of a message head, and where its fields lie in them. Names are compared without case; values are made Strings when asked for.
struct FieldSection: Sendable {
    let bytes: [UInt8]
    let lines: [FieldLine]

    /// Every value of the field, in order. Bytes that are not UTF-8 become U+FFFD.
    func values(_ name: String) -> [String] {
        lines.filter { isNamed(name, $0) }.map { string($0.value) }
    }

    func first(_ name: String) -> String? {
        lines.first { isNamed(name, $0) }.map { string($0.value) }
    }

    func contains(_ name: String) -> Bool {
        lines.contains { isNamed(name, $0) }
    }

    /// Whether a comma-separated list (RFC 9110 §5.6.1) of that name, on one line or several, holds the token.
    func has(_ name: String, token: String) -> Bool {
        lines.contains { isNamed(name, $0) && list($0.value, contains: token) }
    }

    func string(_ range: Range<Int>) -> String {
        String(decoding: bytes[range], as: UTF8.self)
    }

    private func isNamed(_ name: String, _ line: FieldLine) -> Bool {
        line.name.count == name.utf8.count && bytes.span.extracting(line.name).equalsIgnoringCase(name)
    }

    private func list(_ range: Range<Int>, contains token: String) -> Bool {
        let value = bytes.span.extracting(range)
        var start = 0
        while start <= value.count {
            let end = value.firstIndex(of: .comma, from: start) ?? value.count
            if value.extracting(value.trimmingWhitespace(start..<end)).equalsIgnoringCase(token) { return true }
            start = end + 1
        }
        return false
    }
}

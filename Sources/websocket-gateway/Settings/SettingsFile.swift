import WebSocketGateway

/// A settings file: one `name = value` a line. Names are those of the flags. A `#` begins a comment at a line's start and behind white space; a value
/// in double quotes is taken as it is, white space and `#` too, and has no double quote in it.
///
/// It is read scalar by scalar: a combining mark behind a quote, an equals sign or a `#` would hide it in one Character with itself.
struct SettingsFile {
    /// Name, value and line number, in the file's order.
    let entries: [(name: String, value: String, line: Int)]

    /// A line that cannot be meant. Its text is not told: of a file named by mistake it may be a secret.
    struct Fault: Error, Equatable {
        let line: Int
        let reason: String
    }

    init(parsing text: String) throws(Fault) {
        var entries: [(name: String, value: String, line: Int)] = []
        for (index, rawLine) in text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let number = index + 1
            let line = Self.trimmed(rawLine)
            guard let first = line.first, first != "#" else { continue }
            guard let equals = Self.withoutComment(line).firstIndex(of: "=") else { throw Fault(line: number, reason: "not name = value") }
            let name = String(Self.trimmed(line[..<equals]))
            guard !name.isEmpty else { throw Fault(line: number, reason: "no name before the =") }
            if let earlier = entries.first(where: { $0.name == name }) {
                throw Fault(line: number, reason: "sets \(name) again, line \(earlier.line) did already")
            }
            entries.append((name, String(try Self.value(line[line.index(after: equals)...], number)), number))
        }
        self.entries = entries
    }

    private static func value(_ text: Substring.UnicodeScalarView, _ line: Int) throws(Fault) -> Substring.UnicodeScalarView {
        let start = text.drop { $0.properties.isWhitespace }
        guard start.first == "\"" else { return trimmed(withoutComment(text)) }
        let quoted = start.dropFirst()
        guard let end = quoted.firstIndex(of: "\"") else { throw Fault(line: line, reason: "a double quote is opened and not closed") }
        guard trimmed(withoutComment(quoted[quoted.index(after: end)...])).isEmpty else {
            throw Fault(line: line, reason: "behind the closing double quote stands more than a comment")
        }
        return quoted[..<end]
    }

    /// A `#` right behind something else is text: of a URL, of an audience.
    private static func withoutComment(_ text: Substring.UnicodeScalarView) -> Substring.UnicodeScalarView {
        var isBehindSpace = false
        for index in text.indices {
            if isBehindSpace, text[index] == "#" { return text[..<index] }
            isBehindSpace = text[index].properties.isWhitespace
        }
        return text
    }

    private static func trimmed(_ text: Substring.UnicodeScalarView) -> Substring.UnicodeScalarView {
        var text = text.drop { $0.properties.isWhitespace }
        while text.last?.properties.isWhitespace == true { text.removeLast() }
        return text
    }
}

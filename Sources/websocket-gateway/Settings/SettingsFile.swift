import WebSocketGateway

/// A settings file: one `name = value` a line, `#` begins a comment. Names are those of the flags.
///
/// It is read scalar by scalar: a combining mark behind a quote, an equals sign or a `#` would hide it in one Character with itself.
struct SettingsFile {
    /// Name, value and line number, in the file's order.
    let entries: [(name: String, value: String, line: Int)]

    init(parsing text: String) throws(SettingsError) {
        var entries: [(name: String, value: String, line: Int)] = []
        for (index, rawLine) in text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let number = index + 1
            let line = Self.trimmed(rawLine.prefix { $0 != "#" })
            guard !line.isEmpty else { continue }
            guard let equals = line.firstIndex(of: "=") else { throw SettingsError("config", "line \(number) is not name = value") }
            let name = String(Self.trimmed(line[..<equals]))
            var value = Self.trimmed(line[line.index(after: equals)...])
            if value.count >= 2, value.first == "\"", value.last == "\"" { value = value.dropFirst().dropLast() }
            guard !name.isEmpty else { throw SettingsError("config", "line \(number) has no name before the =") }
            if let earlier = entries.first(where: { $0.name == name }) {
                throw SettingsError("config", "line \(number) sets \(name) again, line \(earlier.line) did already")
            }
            entries.append((name, String(value), number))
        }
        self.entries = entries
    }

    private static func trimmed(_ text: Substring.UnicodeScalarView) -> Substring.UnicodeScalarView {
        var text = text.drop { $0.properties.isWhitespace }
        while text.last?.properties.isWhitespace == true { text.removeLast() }
        return text
    }
}

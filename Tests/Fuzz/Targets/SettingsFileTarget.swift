import WebSocketGateway

/// Input: a settings file.
enum SettingsFileTarget: FuzzTarget {
    static let name = "settings_file"

    static func run(_ input: [UInt8]) {
        guard let text = String(validating: input, as: UTF8.self), let file = parse(text) else { return }
        let lines = input.count { $0 == UInt8(ascii: "\n") } + 1
        var lastLine = 0
        for (name, value, line) in file.entries {
            require(line > lastLine && line <= lines, "an entry stands on a line of its own")
            lastLine = line
            require(!name.isEmpty && !name.hasPrefix("#") && !name.contains("="), "a name is no comment and no assignment")
            require(!(name + value).utf8.contains(UInt8(ascii: "\n")), "an entry ends with its line")
        }
        require(Set(file.entries.map(\.name)).count == file.entries.count, "no name stands twice")
        requireReadsBack(file)
    }

    private static func parse(_ text: String) -> SettingsFile? {
        do throws(SettingsFile.Fault) { return try SettingsFile(parsing: text) } catch { return nil }
    }

    private static func requireReadsBack(_ file: SettingsFile) {
        // A value with a double quote in it stood without quotes, and one that begins with a # right behind the equals sign.
        let written = file.entries.map { entry in
            entry.name + (entry.value.unicodeScalars.contains("\"") ? "=\(entry.value)" : " = \"\(entry.value)\"") + " # comment\n\n"
        }.joined()
        guard let again = parse(written) else { fatalError("broken rule: a file reads back") }
        requireEqual(again.entries.map { [$0.name, $0.value] }, file.entries.map { [$0.name, $0.value] }, "a file reads back the same")
    }
}

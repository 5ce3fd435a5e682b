import EventLoop
import WebSocketGateway

/// Puts the settings together: the defaults, over them the file, over it the environment, over it the flags.
enum SettingsReader {
    static func read(
        flags: [(name: String, value: String)], file: String?, environment: [String: String], defaults: GatewaySettings = GatewaySettings()
    ) throws(SettingsError) -> GatewaySettings {
        var settings = defaults
        let path = file ?? environment["WSG_CONFIG"]
        if let path {
            for (name, value, line) in try entries(of: path) {
                guard let row = SettingRow.all.first(where: { $0.name == name }) else {
                    throw SettingsError("config", "\(path) line \(line): \(missing(name))")
                }
                do throws(SettingsError) {
                    try row.read(value, &settings)
                } catch {
                    throw SettingsError("config", "\(path) line \(line): \(error)")
                }
            }
        }
        for row in SettingRow.all {
            // Compose files pass empty strings for what is not set.
            guard let value = environment[row.environmentName], !value.isEmpty else { continue }
            do throws(SettingsError) {
                try row.read(value, &settings)
            } catch {
                throw SettingsError(row.environmentName, error.reason)
            }
        }
        let known = Set(SettingRow.all.map(\.environmentName)).union(otherVariables)
        if let unknown = environment.keys.filter({ $0.hasPrefix("WSG_") && !known.contains($0) }).min() {
            throw SettingsError(unknown, "there is no such setting")
        }
        for (name, value) in flags {
            guard let row = SettingRow.all.first(where: { $0.name == name }) else { preconditionFailure("the flag --\(name) has no row") }
            try row.read(value, &settings)
        }
        return settings
    }

    /// Variables that are no settings of the gateway: our own tools' and the Python client's.
    private static let otherVariables: Set<String> = [
        "WSG_CONFIG", "WSG_READY_FILE", "WSG_CONTROL_URL", "WSG_API_KEY", "WSG_TOKEN",
    ]

    private static func entries(of path: String) throws(SettingsError) -> [(name: String, value: String, line: Int)] {
        let text = try contents(of: path)
        do throws(SettingsFile.Fault) { return try SettingsFile(parsing: text).entries } catch {
            throw SettingsError("config", "\(path) line \(error.line): \(error.reason)")
        }
    }

    private static func contents(of path: String) throws(SettingsError) -> String {
        let bytes: [UInt8]
        do throws(SystemError) { bytes = try SmallFile.read(path, bytesMax: 1_048_576) } catch { throw SettingsError("config", "\(error)") }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw SettingsError("config", "\(path) is not UTF-8 text") }
        return text
    }

    /// What is said of a key that is no setting's name.
    private static func missing(_ written: String) -> String {
        // As the others are written: MAX_CONNECTIONS is how the environment has it.
        let name = String(written.lowercased().map { $0 == "_" ? "-" : $0 })
        if name == "ready-file" || name == "config" {
            return "\"\(written)\" is no key of this file: it is only the flag --\(name) or \(SettingRow.environmentName(of: name))"
        }
        let all = SettingRow.all.map(\.name)
        let near =
            all.contains(name)
            ? [name]
            : all.filter { candidate in
                candidate.hasPrefix(name) || name.hasPrefix(candidate) || candidate.split(separator: "-").contains { name.contains($0) }
            }
        return "there is no setting \"\(written)\"" + (near.isEmpty ? "" : "; there is \(near.prefix(4).joined(separator: ", "))")
    }
}

/// A setting that a reload changes, or would change.
public struct SettingChange: Sendable, Equatable {
    /// The setting's name as the command line has it, without dashes: `max-connections`.
    public let name: String
    /// As the file would have them; nil: none. Never a secret: settings name the files that hold those.
    public let from: String?
    public let to: String?
    /// False where only a start can change it.
    package let isReloadable: Bool

    /// What is different, in the order of ``SettingRow/all``. Byte for byte: `==` would take two spellings of one letter for the same text.
    static func between(_ earlier: GatewaySettings, _ later: GatewaySettings) -> [SettingChange] {
        SettingRow.all.compactMap { row in
            let (from, to) = (row.text(earlier), row.text(later))
            guard from.map({ Array($0.utf8) }) != to.map({ Array($0.utf8) }) else { return nil }
            return SettingChange(name: row.name, from: from, to: to, isReloadable: row.change != .atStart)
        }
    }
}

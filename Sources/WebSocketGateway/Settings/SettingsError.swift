/// A setting that cannot be used: which one, and why, in one line.
public struct SettingsError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The setting's name as the command line has it, without dashes: `max-connections`.
    public let setting: String
    public let reason: String

    public init(_ setting: String, _ reason: String) {
        self.setting = setting
        self.reason = reason
    }

    public var description: String { "\(setting): \(reason)" }
}

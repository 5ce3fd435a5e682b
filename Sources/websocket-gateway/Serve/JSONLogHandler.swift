import EventLoop
import Logging
import Sessions

/// Log lines as JSON on standard error, one object a line. What came from a peer is escaped by the encoding and cut.
struct JSONLogHandler: LogHandler {
    /// The longest value written, in characters.
    static let valueCharactersMax = 256

    let label: String
    /// What a logger was given for itself; otherwise the process's, which a reload may change.
    private var ownLevel: Logger.Level?
    private let level: LogLevel
    var metadata: Logger.Metadata = [:]

    init(label: String, level: LogLevel) {
        self.label = label
        self.level = level
    }

    var logLevel: Logger.Level {
        get { ownLevel ?? level.value }
        set { ownLevel = newValue }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var line: JSONObject = [
            "time": .string(Timestamp(microsecondsSince1970: Clocks.wallMicroseconds).iso8601),
            "level": .string(event.level.rawValue),
            "message": .string(Self.cut("\(event.message)")),
        ]
        let all = metadata.merging(event.metadata ?? [:]) { _, new in new }
        for (key, value) in all.sorted(by: { $0.key < $1.key }) { line[key] = .string(Self.cut("\(value)")) }
        SmallFile.writeToStandardError(line.encoded + "\n")
    }

    private static func cut(_ text: String) -> String { text.count <= valueCharactersMax ? text : text.prefix(valueCharactersMax) + "…" }
}

import EventLoop
import Logging
import Sessions

/// Log lines as JSON on standard error, one object a line. What came from a peer is escaped by the encoding and cut.
struct JSONLogHandler: LogHandler {
    /// The longest value written, in characters.
    static let valueCharactersMax = 256

    let label: String
    var logLevel = Logger.Level.info
    var metadata: Logger.Metadata = [:]

    init(label: String) { self.label = label }

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

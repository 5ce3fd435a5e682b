import Sessions

/// One message as a client receives it, read for people.
struct ReceivedEvent {
    /// nil for what the gateway says to this connection alone.
    let id: EventID?
    let type: String
    let timestamp: String
    /// nil when it holds something `JSON` cannot, such as a number beyond a double; the bytes are valid all the same.
    let data: JSON?
    /// The data on one line, without whitespace; numbers as the engine wrote them.
    let compactData: String

    /// nil when the message is no event: not an object with these fields.
    init?(_ message: [UInt8]) {
        let text = message.span
        var scanner = JSONScanner()
        var (idText, typeText, stampText): (String?, String?, String?) = (nil, nil, nil)
        var dataRange: Range<Int>?
        do throws(JSONFault) {
            guard try scanner.scalarOrOpening(text) == .object else { return nil }
            var isFirst = true
            while let (key, value) = try scanner.nextMember(text, isFirst: isFirst) {
                isFirst = false
                switch (JSONText.decode(key.contents, of: text), value.kind) {
                case ("id", .string(let token)): idText = JSONText.decode(token.contents, of: text)
                case ("type", .string(let token)): typeText = JSONText.decode(token.contents, of: text)
                case ("timestamp", .string(let token)): stampText = JSONText.decode(token.contents, of: text)
                case ("data", _): dataRange = value.range
                default: break
                }
            }
            try scanner.end(text)
        } catch {
            return nil
        }
        guard let typeText, let stampText, let dataRange else { return nil }
        if let idText {
            guard let parsed = try? EventID(parsing: idText) else { return nil }
            id = parsed
        } else {
            id = nil
        }
        type = typeText
        timestamp = stampText
        data = try? JSON.parse(text.extracting(dataRange))
        compactData = String(decoding: SafeText.line(ofJSON: text.extracting(dataRange), compact: true), as: UTF8.self)
    }

    /// `HH:MM:SS.mmm`, UTC; what an engine sent that is no time is shown as no time.
    var clock: String { Self.clock(timestamp) }

    static func clock(_ timestamp: String) -> String {
        guard let microseconds = Timestamp.parse(timestamp)?.microsecondsSince1970 else { return "--:--:--.---" }
        let day: Int64 = 86_400_000_000
        let time = ((microseconds % day) + day) % day
        func digits(_ value: Int64, _ count: Int) -> String {
            let text = String(value)
            return String(repeating: "0", count: max(0, count - text.count)) + text
        }
        let seconds = time / 1_000_000
        return "\(digits(seconds / 3600, 2)):\(digits(seconds / 60 % 60, 2)):\(digits(seconds % 60, 2)).\(digits(time / 1000 % 1000, 3))"
    }
}

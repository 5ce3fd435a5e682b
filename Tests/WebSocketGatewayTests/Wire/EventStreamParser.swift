/// What a browser makes of an event stream: the HTML Standard's §9.2.6, line by line, for whole streams and for pieces of them.
struct EventStreamParser {
    struct Event: Sendable, Equatable {
        let data: String
        /// What the browser would come back with.
        let lastID: String
        var type = "message"
    }

    private(set) var lastID = ""
    private(set) var retry: Int?
    private var nextID = ""
    private var type = ""
    private var data = ""
    private var line: [UInt8] = []
    private var lastWasCR = false
    /// Everything that was read.
    private(set) var text: [UInt8] = []

    mutating func read(_ bytes: [UInt8]) -> [Event] {
        var events: [Event] = []
        text += bytes
        for byte in bytes {
            defer { lastWasCR = byte == 0x0D }
            if byte == 0x0A, lastWasCR { continue }
            guard byte == 0x0A || byte == 0x0D else {
                line.append(byte)
                continue
            }
            if let event = end(of: String(decoding: line, as: UTF8.self)) { events.append(event) }
            line = []
        }
        return events
    }

    private mutating func end(of line: String) -> Event? {
        guard !line.isEmpty else {
            defer { (data, type) = ("", "") }
            lastID = nextID
            guard !data.isEmpty else { return nil }
            return Event(data: String(data.dropLast()), lastID: lastID, type: type.isEmpty ? "message" : type)
        }
        let colon = line.firstIndex(of: ":")
        let name = line[..<(colon ?? line.endIndex)]
        var value = colon.map { line[line.index(after: $0)...] } ?? ""
        if value.first == " " { value = value.dropFirst() }
        switch name {
        case "data": data += value + "\n"
        case "id": if !value.contains("\0") { nextID = String(value) }
        case "event": type = String(value)
        case "retry": retry = Int(value) ?? retry
        default: break
        }
        return nil
    }
}

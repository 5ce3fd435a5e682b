import Sessions

/// One client of a session over Server-Sent Events, blocking. Touched by one thread at a time.
final class EventStreamClient: @unchecked Sendable {
    typealias Message = SocketClient.Message

    let raw: RawClient
    /// The answer's head: its first line, and its fields.
    private(set) var status = ""
    private(set) var head: [String] = []
    private(set) var parser = EventStreamParser()
    private var waiting: ArraySlice<EventStreamParser.Event> = []
    /// The stream is over: true when it ended with a FIN, false when it broke or nothing came in time.
    private(set) var ended: Bool?
    private(set) var connected: Message?
    /// What the client would send as `Last-Event-ID`, as of the message that was handed out last.
    private(set) var lastID = ""

    var id: String { connected?.data["connection_id"]?.stringValue ?? "" }

    /// Asks for a session's events and reads the answer's head; with 200 also the first message. Nil when no answer comes.
    init?(
        port: UInt16, target: String, headers: [(String, String)] = [], method: String = "GET", behind: String = "",
        receiveBufferBytes: Int32? = nil
    ) {
        guard let raw = RawClient(port: port, receiveBufferBytes: receiveBufferBytes) else { return nil }
        self.raw = raw
        let fields = headers.map { "\($0): \($1)\r\n" }.joined()
        raw.send(Array("\(method) \(target) HTTP/1.1\r\nHost: localhost\r\n\(fields)\r\n\(behind)".utf8))
        var bytes: [UInt8] = []
        var end: Int?
        while end == nil {
            guard let more = raw.receive(), !more.isEmpty else { return nil }
            bytes += more
            end = (3..<bytes.count).first { bytes[($0 - 3)...$0].elementsEqual("\r\n\r\n".utf8) }
        }
        guard let end else { return nil }
        head = String(decoding: bytes[..<(end - 3)], as: UTF8.self).split(separator: "\r\n").map(String.init)
        status = head.removeFirst()
        let body = Array(bytes[(end + 1)...])
        guard status.hasPrefix("HTTP/1.1 200 ") else { return }
        waiting += parser.read(body)
        connected = next()
    }

    func next() -> Message? {
        while waiting.isEmpty {
            guard ended == nil else { return nil }
            guard let bytes = raw.receive() else {
                ended = false
                return nil
            }
            if bytes.isEmpty { ended = true } else { waiting += parser.read(bytes) }
        }
        guard let event = waiting.popFirst() else { return nil }
        lastID = event.lastID
        return Message(json: (try? JSON.parse(Array(event.data.utf8).span)) ?? .null)
    }

    /// The next `count` events of the stream, or as many as came before the end. What the gateway says is left out.
    func sequences(_ count: Int) -> [Int?] {
        var sequences: [Int?] = []
        while sequences.count < count, let message = next() { if message.id != nil { sequences.append(message.sequence) } }
        return sequences
    }

    /// Everything up to the end.
    func rest() -> [Message] {
        var messages: [Message] = []
        while let message = next() { messages.append(message) }
        return messages
    }

    func close() { raw.close() }
}

extension TestGateway {
    func stream(_ session: String, query: String = "", headers: [(String, String)] = [], receiveBufferBytes: Int32? = nil) async throws
        -> EventStreamClient
    {
        let client = try await ask("/sse/backtest/\(session)\(query)", headers: headers, receiveBufferBytes: receiveBufferBytes)
        guard client.connected?.type == "connected" else { throw NotLetIn(status: client.status) }
        return client
    }

    struct NotLetIn: Error { let status: String }

    func ask(
        _ target: String, headers: [(String, String)] = [], method: String = "GET", behind: String = "", receiveBufferBytes: Int32? = nil
    ) async throws -> EventStreamClient {
        let port = port
        let client = await offPool {
            EventStreamClient(
                port: port, target: target, headers: headers, method: method, behind: behind, receiveBufferBytes: receiveBufferBytes)
        }
        guard let client else { throw NotLetIn(status: "no answer") }
        return client
    }
}

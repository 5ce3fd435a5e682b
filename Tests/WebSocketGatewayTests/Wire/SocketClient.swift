import HTTP
import Sessions
import WebSocket

/// One client of a session, blocking, as plain as a browser tab. Touched by one thread at a time.
final class SocketClient: @unchecked Sendable {
    /// One message of the gateway's.
    struct Message: Sendable {
        let json: JSON
        var type: String { json["type"]?.stringValue ?? "" }
        var id: String? { json["id"]?.stringValue }
        /// Its place in the session's stream; nil for what belongs to no stream.
        var sequence: Int? { id.flatMap { $0.split(separator: "-").last }.flatMap { Int($0) } }
        var data: JSON { json["data"] ?? .null }
    }

    /// How the stream ended.
    enum End: Sendable, Equatable {
        /// By a close frame.
        case closed(UInt16, String)
        /// Without one.
        case cut
        /// Nothing came in time, or the connection broke.
        case lost
        /// What came is no WebSocket stream.
        case garbled
    }

    private func received() throws(ProtocolViolation) -> Received? {
        let input = input
        return try reader.next(input.span, at: &position)
    }

    private let http: HTTPClient
    private var raw: RawClient { http.raw }
    private var reader = MessageReader(role: .client, limits: SocketClient.limits)
    private var input: [UInt8]
    private var position = 0
    private(set) var end: End?
    /// The first message.
    private(set) var connected: Message?
    private(set) var pongPayloads: [[UInt8]] = []
    var pongs: Int { pongPayloads.count }

    private static let limits: WebSocketLimits = {
        var limits = WebSocketLimits()
        limits.messageBytesMax = 16_777_216
        return limits
    }()

    var id: String { connected?.data["connection_id"]?.stringValue ?? "" }

    /// Joins a session and waits until it is in; nil when it was not let in.
    init?(
        port: UInt16, _ session: String, query: String = "", kind: String = "backtest", headers: [(String, String)] = [],
        receiveBufferBytes: Int32? = nil
    ) {
        guard let http = HTTPClient(port: port) else { return nil }
        self.http = http
        let target = "/ws/\(kind)/\(session)\(query)"
        http.raw.send(ClientHandshake.request(host: "localhost", target: target, key: ClientHandshake.makeKey(), headers: headers))
        guard http.receive()?.status == 101 else {
            http.close()
            return nil
        }
        input = http.rest
        connected = next()
        guard connected?.type == "connected" else { return nil }
    }

    /// The next message; nil at the end, which ``end`` then tells, or when so many pongs have come. Pings are answered.
    func next(orPongs pongsWanted: Int = .max) -> Message? {
        while end == nil {
            do throws(ProtocolViolation) {
                while let received = try received() {
                    switch received {
                    case .text(let text):
                        guard let json = try? JSON.parse(text.span) else {
                            end = .garbled
                            return nil
                        }
                        return Message(json: json)
                    case .ping(let payload): send(.pong, payload)
                    case .pong(let payload):
                        pongPayloads.append(payload)
                        if pongs >= pongsWanted { return nil }
                    case .binary, .compressed: end = .garbled
                    case .close(let code, let reason):
                        end = .closed(code?.rawValue ?? 1005, String(decoding: reason, as: UTF8.self))
                        send(.close, [])
                    }
                    if end != nil { return nil }
                }
            } catch {
                end = .garbled
                return nil
            }
            guard let bytes = raw.receive() else {
                end = .lost
                break
            }
            // The end of the stream within a message is no end either way.
            if bytes.isEmpty { end = reader.isMidMessage ? .garbled : .cut }
            (input, position) = (bytes, 0)
        }
        return nil
    }

    /// The next message that is not a heartbeat.
    func nextEvent() -> Message? {
        while let message = next() { if message.type != "heartbeat" { return message } }
        return nil
    }

    /// The next `count` events, or as many as came before the end.
    func events(_ count: Int) -> [Message] {
        var events: [Message] = []
        while events.count < count, let event = nextEvent() { events.append(event) }
        return events
    }

    func sequences(_ count: Int) -> [Int?] { events(count).map(\.sequence) }

    /// Everything up to the end.
    func rest() -> [Message] {
        var events: [Message] = []
        while let event = nextEvent() { events.append(event) }
        return events
    }

    func send(_ opcode: Opcode, _ payload: [UInt8]) {
        raw.send(FrameEncoder.maskedFrame(opcode, payload, maskingKey: 0x1234_5678))
    }

    /// Bytes as they are, frames or not.
    func sendRaw(_ bytes: [UInt8]) { raw.send(bytes) }

    func send(_ text: String) { send(.text, Array(text.utf8)) }

    /// FIN: nothing more is sent, and everything still received.
    func finishSending() { raw.finishSending() }

    func close() { raw.close() }
    func reset() { raw.reset() }
}

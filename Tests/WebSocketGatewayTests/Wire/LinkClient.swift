import Sessions
import WebSocket

/// One engine's link, blocking. Touched by one thread at a time.
final class LinkClient: @unchecked Sendable {
    private let http: HTTPClient
    private var reader = MessageReader(role: .client, limits: LinkClient.limits)
    private var input: [UInt8]
    private var position = 0
    private(set) var closed: (code: UInt16, reason: String)?
    private(set) var pings = 0

    private static let limits: WebSocketLimits = {
        var limits = WebSocketLimits()
        limits.messageBytesMax = 16_777_216
        return limits
    }()

    /// Nil when it was not let in.
    init?(port: UInt16) {
        guard let http = HTTPClient(port: port) else { return nil }
        self.http = http
        http.raw.send(ClientHandshake.request(host: "localhost", target: "/v1/engine", key: ClientHandshake.makeKey(), headers: []))
        guard http.receive()?.status == 101 else { return nil }
        input = http.rest
    }

    private func received() throws(ProtocolViolation) -> Received? {
        let input = input
        return try reader.next(input.span, at: &position)
    }

    /// The next message; nil at the end. Pings are counted and answered.
    func next() -> JSON? {
        while closed == nil {
            do throws(ProtocolViolation) {
                while let received = try received() {
                    switch received {
                    case .text(let text): return try? JSON.parse(text.span)
                    case .ping(let payload):
                        pings += 1
                        send(.pong, payload)
                    case .close(let code, let reason):
                        closed = (code?.rawValue ?? 1005, String(decoding: reason, as: UTF8.self))
                        return nil
                    default: return nil
                    }
                }
            } catch { return nil }
            guard let bytes = http.raw.receive(), !bytes.isEmpty else { return nil }
            (input, position) = (bytes, 0)
        }
        return nil
    }

    func call(_ text: String) -> JSON? {
        send(text)
        return next()
    }

    func send(_ text: String) { send(.text, Array(text.utf8)) }
    func send(_ opcode: Opcode, _ payload: [UInt8]) { http.raw.send(FrameEncoder.maskedFrame(opcode, payload, maskingKey: 0x1234_5678)) }
    @discardableResult func sendRaw(_ bytes: [UInt8]) -> Bool { http.raw.send(bytes) }
    func close() { http.close() }
    func reset() { http.raw.reset() }
}

extension TestGateway {
    func link() async throws -> LinkClient {
        let port = controlPort
        guard let link = await offPool({ LinkClient(port: port) }) else { throw NotLinked() }
        return link
    }

    struct NotLinked: Error {}
}

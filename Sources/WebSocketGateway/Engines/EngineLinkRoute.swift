internal import EventLoop
internal import HTTP
internal import WebSocket

/// `GET /v1/engine`: an engine's connection becomes its link.
///
/// Flow: EngineRoutes → **EngineLinkRoute** → EngineConnection
enum EngineLinkRoute {
    static let path = "/v1/engine"

    static func run(_ head: RequestHead, _ caller: ControlDoor.Caller?, on connection: HTTPConnection) throws(EngineRoutes.Refusal) {
        guard head.method == .get else { throw EngineRoutes.methodNotAllowed("GET") }
        _ = try EngineRoutes.query(head, allowed: [])
        let acceptance: Handshake.Acceptance
        do throws(HandshakeRejection) {
            // Compression would cost more than a local link gains.
            acceptance = try Handshake.accept(head, subprotocols: [], deflate: false)
        } catch {
            let status = HTTPStatus.all.first { $0.code == error.statusCode } ?? .badRequest
            throw EngineRoutes.Refusal(
                status, status == .upgradeRequired ? "UPGRADE_REQUIRED" : "BAD_HANDSHAKE", error.message,
                details: ["rule": .string("RFC 6455 \(error.section)")], headers: error.headers.map { ($0.name, $0.value) })
        }
        var answer: [UInt8] = []
        acceptance.appendResponse(to: &answer)
        let (engine, early) = connection.becomeEngine(caller)
        engine.start(answer, early: early)
    }
}

extension HTTPConnection {
    /// Hands the TCP connection over to an engine's link. What the engine sent early and waited here is returned.
    func becomeEngine(_ caller: ControlDoor.Caller?) -> (engine: EngineConnection, early: [UInt8]) {
        state = .gone
        core.counters.subtract(.httpConnections, label: gaugeLabel)
        let engine = EngineConnection(core, stream, ref: ref, address: peer, admission: admission, caller: caller)
        upgraded = engine
        core.replace(ref, with: engine)
        stream.setHandler(engine)
        let early = backlog
        backlog = []
        return (engine, early)
    }
}

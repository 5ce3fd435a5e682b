internal import EventLoop
internal import HTTP
internal import Sessions
internal import WebSocket

/// The public listener: `GET /ws/{kind}/{session_id}`, `GET /sse/{kind}/{session_id}` and nothing else.
///
/// Flow: HTTPConnection → **ClientRoutes** → SessionHome.join → 101 or 200, and `connected` → ClientConnection
enum ClientRoutes {
    /// How a client is answered that has been let in.
    enum Opening {
        case webSocket(Handshake.Acceptance)
        case eventStream(CrossOrigin)

        var encoding: Encoding {
            switch self {
            case .webSocket(let acceptance): Encoding(acceptance.deflate)
            case .eventStream: .eventStream
            }
        }

        /// The client speaks `wsg.v1`: it is told inside the WebSocket why it is refused, where a browser's script can read it.
        var canReadRefusals: Bool {
            if case .webSocket(let acceptance) = self { acceptance.subprotocol == ClientRoutes.subprotocol } else { false }
        }
    }

    /// Everything about an accepted request that is needed once the session's home has let the client in.
    struct Upgrade {
        let opening: Opening
        let address: SocketAddress
        let filter: TypeFilter?
        let replay: ReplaySpeed?
        /// Nil: anonymous.
        let identity: Identity?
    }

    static let subprotocol = "wsg.v1"

    static let draining = EngineResponse.error(.serviceUnavailable, "DRAINING", "the gateway is shutting down", retryAfterSeconds: 2)

    struct Refusal: Error {
        let outcome: HandshakeOutcome
        let response: EngineResponse
        /// What a `wsg.v1` client gets instead: an error event and this close code.
        var inside: (code: String, close: CloseCode)?
    }

    static func run(_ head: RequestHead, _ body: [UInt8], on connection: HTTPConnection) {
        let core = connection.core
        do throws(Refusal) {
            guard !core.isDraining else { throw Refusal(outcome: .draining, response: draining) }
            if core.plan.settings.echoes { return try upgradeToEcho(head, on: connection) }
            try upgrade(head, on: connection)
        } catch {
            refuse(error, head, opening: nil, from: connection.peer, on: connection)
        }
    }

    private static func upgradeToEcho(_ head: RequestHead, on connection: HTTPConnection) throws(Refusal) {
        let acceptance = try accept(head, connection)
        let (client, early) = connection.becomeClient(
            id: connection.core.makeConnectionID(slot: connection.ref.slot), address: connection.peer, mode: .echo,
            encoding: Encoding(acceptance.deflate))
        connection.core.counters.add(.handshakes, label: HandshakeOutcome.accepted.index)
        begin(client, early, .webSocket(acceptance)) { _ in }
    }

    private static func upgrade(_ head: RequestHead, on connection: HTTPConnection) throws(Refusal) {
        let core = connection.core
        let (transport, kind, id) = try route(head)
        if transport == .eventStream, head.method == .options {
            return connection.answer(head, EventStreamRoutes.preflight(head, core))
        }
        let session = try check(id, head, transport)
        let opening: Opening =
            switch transport {
            case .webSocket: .webSocket(try accept(head, connection))
            case .eventStream: .eventStream(try EventStreamRoutes.accept(head, core))
            }
        let (query, tokenFault) = try query(head, asksForTokens: core.board.door.asksForTokens)
        let (resumeFrom, join, filter, replay) = try parameters(head, query, transport)
        let address = core.plan.proxies.client(of: connection.peer, forwardedFor: head.values("x-forwarded-for"))
        // One property, or the whole plan would be copied.
        let origins = core.plan.origins
        guard head.first("origin", satisfies: { $1 == 1 && origins.allows($0) }) ?? true else {
            let response = EngineResponse.error(.forbidden, "ORIGIN_NOT_ALLOWED", "pages of this origin may not connect")
            return refuse(
                Refusal(outcome: .forbidden, response: response, inside: ("FORBIDDEN", .forbidden)), head, opening: opening,
                from: address, on: connection)
        }
        // Behind a proxy its clients' addresses count; a peer's own was counted at its accept.
        if address != connection.peer {
            let wait = core.arrive(address)
            guard wait == 0 else {
                let response = EngineResponse.error(
                    .tooManyRequests, "RATE_LIMITED", "this address opens connections too fast", retryAfterSeconds: wait)
                return refuse(
                    Refusal(outcome: .addressRate, response: response, inside: ("RATE_LIMITED", .rateLimited)), head, opening: opening,
                    from: address, on: connection)
            }
        }
        let identity: Identity?
        do throws(TokenFault) {
            if let tokenFault { throw tokenFault }
            identity = try identify(head, query, from: address, core)
        } catch {
            return refuse(self.refusal(error, address, core), head, opening: opening, from: address, on: connection)
        }
        guard address == connection.peer || core.count(address, of: connection) else {
            throw Refusal(
                outcome: .addressLimit,
                response: .error(
                    .serviceUnavailable, "ADDRESS_LIMIT", "this address has as many connections as it may", retryAfterSeconds: 5))
        }
        let request = JoinRequest(
            session: session, kind: kind, worker: core.index, connection: connection.ref,
            id: core.makeConnectionID(slot: connection.ref.slot),
            encoding: opening.encoding, resumeFrom: resumeFrom, join: join, replays: replay != nil,
            access: access(identity, to: session, core), subject: identity?.subject)
        connection.join(
            request, head, Upgrade(opening: opening, address: address, filter: filter, replay: replay, identity: identity))
    }

    // MARK: What the request says

    private typealias Route = (transport: Transport, kind: SessionKind, session: Result<SessionID, SessionIDError>)

    private static let prefixes: [(StaticString, Transport, SessionKind)] = [
        ("/ws/backtest/", .webSocket, .backtest), ("/ws/forward/", .webSocket, .forward),
        ("/sse/backtest/", .eventStream, .backtest), ("/sse/forward/", .eventStream, .forward),
    ]

    private static func route(_ head: RequestHead) throws(Refusal) -> Route {
        var found: Route?
        head.withPath { path in
            for (prefix, transport, kind) in prefixes {
                let start = prefix.utf8CodeUnitCount
                guard path.count >= start, path.extracting(..<start).equals(prefix) else { continue }
                let id = path.extracting(start...)
                // A further segment is another route.
                for index in id.indices where id[index] == UInt8(ascii: "/") { return }
                do throws(SessionIDError) { found = (transport, kind, .success(try SessionID(bytes: id))) } catch {
                    found = (transport, kind, .failure(error))
                }
                return
            }
        }
        guard let found else {
            throw Refusal(
                outcome: .notFound,
                response: .error(
                    .notFound, "NOT_FOUND",
                    "no such route; sessions are at /ws/backtest/{session_id} and /ws/forward/{session_id}, as event streams under /sse"))
        }
        return found
    }

    private static func check(_ session: Result<SessionID, SessionIDError>, _ head: RequestHead, _ transport: Transport) throws(Refusal)
        -> SessionID
    {
        guard head.method == .get else {
            let (text, allowed) =
                transport == .webSocket ? ("a WebSocket begins with GET", "GET") : ("an event stream is asked for with GET", "GET, OPTIONS")
            throw Refusal(
                outcome: .malformed,
                response: .error(.methodNotAllowed, "METHOD_NOT_ALLOWED", text, headers: [("Allow", allowed)]))
        }
        do throws(SessionIDError) {
            return try session.get()
        } catch {
            throw Refusal(outcome: .malformed, response: .error(.badRequest, "INVALID_SESSION_ID", error.description))
        }
    }

    private static func accept(_ head: RequestHead, _ connection: HTTPConnection) throws(Refusal) -> Handshake.Acceptance {
        do throws(HandshakeRejection) {
            return try Handshake.accept(head, subprotocols: [subprotocol], deflate: connection.core.plan.settings.deflates)
        } catch {
            connection.core.log.badHandshake(error, address: connection.peer)
            let status = HTTPStatus.all.first { $0.code == error.statusCode } ?? .badRequest
            throw Refusal(
                outcome: .malformed,
                response: .error(
                    status, status == .upgradeRequired ? "UPGRADE_REQUIRED" : "BAD_HANDSHAKE", error.message,
                    details: ["rule": .string("RFC 6455 \(error.section)")], headers: error.headers.map { ($0.name, $0.value) }))
        }
    }

    static func malformed(_ message: String) -> Refusal {
        Refusal(outcome: .malformed, response: .error(.badRequest, "INVALID_QUERY", message))
    }

    private static func parameters(_ head: RequestHead, _ query: QueryParameters, _ transport: Transport) throws(Refusal)
        -> (resumeFrom: EventID?, join: JoinMode?, filter: TypeFilter?, replay: ReplaySpeed?)
    {
        // A browser comes back with the URL it first came with: what it has got since stands in the header.
        var resumeFrom = transport == .eventStream ? try EventStreamRoutes.lastEventID(head) : nil
        if resumeFrom == nil, let text = query.first("last_event_id") {
            do throws(EventIDError) {
                resumeFrom = try EventID(parsing: text)
            } catch {
                throw malformed("last_event_id: \(error.description)")
            }
        }
        var join: JoinMode?
        if let text = query.first("join") {
            guard let parsed = JoinMode.parse(text) else {
                throw malformed("join is live, all, or a number of latest events up to \(JoinMode.latestMax)")
            }
            join = parsed
        }
        var filter: TypeFilter?
        if let text = query.first("types") {
            guard let parsed = TypeFilter.parse(text) else {
                throw malformed("types is a comma-separated list of 1 to \(TypeFilter.typesMax) event types")
            }
            filter = parsed
        }
        var replay: ReplaySpeed?
        if let text = query.first("replay") {
            guard let parsed = ReplaySpeed.parse(text) else { throw malformed("replay is \(ReplaySpeed.rule)") }
            replay = parsed
        }
        return (resumeFrom, join, filter, replay)
    }

    // MARK: The home's answer

    static func finish(
        _ upgrade: Upgrade, _ head: RequestHead, _ request: JoinRequest, _ answer: JoinAnswer, on connection: HTTPConnection
    ) {
        switch answer {
        case .refused(let refusal):
            refuse(self.refusal(refusal), head, opening: upgrade.opening, from: upgrade.address, on: connection)
        case .admitted(let incarnation, let lastID, let resume, let start, let page):
            let core = connection.core
            let (client, early) = connection.becomeClient(
                id: request.id, address: upgrade.address, mode: .session,
                encoding: request.encoding, filter: upgrade.filter)
            core.counters.add(.handshakes, label: HandshakeOutcome.accepted.index)
            let session = core.fanOut.add(
                client, to: request.session, kind: request.kind, incarnation: incarnation, lastID: lastID, isBehind: start != nil,
                replays: request.replays)
            let isAtHead = start == nil || start == lastID?.sequence
            client.admit(upgrade.identity, request.access)
            client.join(
                session, behind: start,
                replay: upgrade.replay.map {
                    Replay($0, now: core.now, rereads: lastID != nil && (resume?.recovered == true || isAtHead))
                })
            let id = request.session
            begin(client, early, upgrade.opening) { bytes in
                OwnMessages.appendConnected(
                    client.id, session: id, lastID: lastID, resume: resume,
                    now: Timestamp(microsecondsSince1970: client.connectedAt), for: client.transport, seen: isAtHead ? lastID : nil,
                    to: &bytes)
            }
            if let page { client.catchUp(with: page) } else if start != nil { client.continueFromHistory() }
            // It was asking while the others were told to leave.
            if core.isDraining { client.gatewayStops(hard: false) }
        }
    }

    private static func refusal(_ refusal: JoinRefusal) -> Refusal {
        switch refusal {
        case .sessionFull:
            Refusal(
                outcome: .sessionLimit,
                response: .error(
                    .serviceUnavailable, "SESSION_LIMIT", "this session has as many connections as it may", retryAfterSeconds: 5))
        case .tooManySessions:
            Refusal(
                outcome: .sessionLimit,
                response: .error(
                    .serviceUnavailable, "TOO_MANY_SESSIONS", "the gateway knows as many sessions as it may", retryAfterSeconds: 5))
        case .notOwner: notOwner
        case .unknownSession:
            Refusal(
                outcome: .notFound, response: .error(.notFound, "SESSION_NOT_FOUND", "no such session"),
                inside: ("SESSION_NOT_FOUND", .notFound))
        case .wrongKind:
            Refusal(
                outcome: .forbidden,
                response: .error(.forbidden, "WRONG_KIND", "this session is served under the other route; for watch, try the other --kind"),
                inside: ("FORBIDDEN", .forbidden))
        }
    }

    /// `opening` is nil where it is not known yet.
    private static func refuse(
        _ refusal: Refusal, _ head: RequestHead, opening: Opening?, from address: SocketAddress, on connection: HTTPConnection
    ) {
        let core = connection.core
        core.counters.add(.handshakes, label: refusal.outcome.index)
        guard let inside = refusal.inside, let opening, opening.canReadRefusals else {
            return connection.answer(head, EventStreamRoutes.readable(refusal.response, head, core))
        }
        let id = core.makeConnectionID(slot: connection.ref.slot)
        let (client, early) = connection.becomeClient(
            id: id, address: address, mode: .refused,
            encoding: opening.encoding)
        let event = OwnMessages.error(inside.code, "refused: \(inside.code)", details: [:], now: core.wallTime, for: client.transport)
        begin(client, early, opening) { $0.append(contentsOf: event) }
        client.close(inside.close, .refused, reason: inside.code)
    }

    /// The 101 or 200 and the first message leave together.
    private static func begin(
        _ client: ClientConnection, _ early: [UInt8], _ opening: Opening, appendingFirst append: (inout [UInt8]) -> Void
    ) {
        let core = client.core
        var bytes: [UInt8] = []
        swap(&bytes, &core.scratch)
        bytes.removeAll(keepingCapacity: true)
        switch opening {
        case .webSocket(let acceptance): acceptance.appendResponse(to: &bytes)
        case .eventStream(let crossOrigin):
            let date = core.dateLine
            EventStreamRoutes.appendAnswer(crossOrigin, date: date, retryMilliseconds: core.retryAfterMilliseconds(), to: &bytes)
            client.watchAcknowledgements()
        }
        append(&bytes)
        client.send(copying: bytes.span)
        swap(&bytes, &core.scratch)
        client.stream.startReading()
        client.scheduleNextDeadline()
        // Bytes that came with the request are already the client's.
        if !early.isEmpty { client.stream(client.stream, didReceive: early.span) }
    }
}

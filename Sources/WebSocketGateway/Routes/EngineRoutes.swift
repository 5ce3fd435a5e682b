internal import EventLoop
internal import HTTP
internal import Sessions

/// The control listener: what engines and operators ask for (docs/PROTOCOL.md, Engine API).
enum EngineRoutes {
    /// A request that is refused, with its answer.
    struct Refusal: Error {
        let response: EngineResponse

        init(_ status: HTTPStatus, _ code: String, _ message: String, details: JSONObject = [:], headers: [(String, String)] = []) {
            response = .error(status, code, message, details: details, headers: headers)
        }

        init(_ response: EngineResponse) { self.response = response }
    }

    typealias Work = @Sendable (Switchboard) async -> EngineResponse

    // MARK: Publishing, the hot path

    /// `POST /v1/sessions/{id}/events`, recognised but not yet checked.
    struct Publish {
        let session: Result<SessionID, SessionIDError>

        /// All that a head says of its publish.
        struct Checked {
            let session: SessionID
            let format: PublishFormat
            let answersEarly: Bool
            let key: String?
            /// Milliseconds.
            let wait: UInt64
            /// Nil where no keys are asked for.
            var caller: ControlDoor.Caller?
        }

        func check(_ head: RequestHead, mayHaveName: Bool = false, by caller: ControlDoor.Caller? = nil) throws(Refusal) -> Checked {
            try EngineRoutes.checkHeaders(head, mayHaveName: mayHaveName)
            let session = try EngineRoutes.sessionID(session)
            let (answersEarly, wait) = try parameters(head)
            return Checked(
                session: session, format: try EngineRoutes.format(head), answersEarly: answersEarly, key: try EngineRoutes.publishKey(head),
                wait: wait, caller: caller)
        }

        static let waitMax = 30_000

        private func parameters(_ head: RequestHead) throws(Refusal) -> (answersEarly: Bool, wait: UInt64) {
            guard head.hasQuery else { return (false, 0) }
            let query = try EngineRoutes.query(head, allowed: ["receipt", "wait"])
            var wait: UInt64 = 0
            if let text = query.first("wait") {
                guard let milliseconds = UInt64(text), milliseconds <= Self.waitMax else {
                    throw Refusal(.badRequest, "INVALID_QUERY", "wait is a number of milliseconds from 0 to \(Self.waitMax)")
                }
                wait = milliseconds
            }
            switch query.first("receipt") {
            case nil, "full"?: return (false, wait)
            case "none"? where wait > 0: throw Refusal(.badRequest, "INVALID_QUERY", "receipt=none does not wait; leave one of them out")
            case "none"?: return (true, 0)
            default: throw Refusal(.badRequest, "INVALID_QUERY", "receipt is none or full")
            }
        }
    }

    static func publish(_ head: RequestHead) -> Publish? {
        guard head.method == .post else { return nil }
        var publish: Publish?
        head.withPath { path in
            let (prefix, suffix): (StaticString, StaticString) = ("/v1/sessions/", "/events")
            let (start, end) = (prefix.utf8CodeUnitCount, path.count - suffix.utf8CodeUnitCount)
            guard end > start, path.extracting(..<start).equals(prefix), path.extracting(end...).equals(suffix) else { return }
            publish = Publish(session: sessionID(path.extracting(start..<end)))
        }
        return publish
    }

    static func sessionID(_ bytes: Span<UInt8>) -> Result<SessionID, SessionIDError> {
        do throws(SessionIDError) { return .success(try SessionID(bytes: bytes)) } catch { return .failure(error) }
    }

    static func response(_ refusal: PublishRefusal) -> EngineResponse {
        switch refusal {
        case .tooManySessions:
            .error(
                .serviceUnavailable, "TOO_MANY_SESSIONS", "the gateway knows as many sessions as it may; nothing was published",
                retryAfterSeconds: 5)
        case .gatewayStopped:
            .error(.serviceUnavailable, "STOPPED", "the gateway is shutting down; nothing was published", retryAfterSeconds: 2)
        case .storeFull:
            .error(.serviceUnavailable, "STORE_FULL", refusal.description, details: ["outcome": "refused"], retryAfterSeconds: 1)
        case .storeFailed:
            .error(.serviceUnavailable, "STORE_FAILED", refusal.description, details: ["outcome": "unknown"], retryAfterSeconds: 5)
        case .keyReused: .error(.conflict, "IDEMPOTENCY_KEY_REUSED", refusal.description)
        }
    }

    // MARK: Everything else

    static func run(_ head: RequestHead, _ body: [UInt8], on connection: HTTPConnection) {
        do throws(Refusal) {
            // A load balancer's health check says what it likes.
            if head.path != "/healthz" { try checkHeaders(head, mayHaveName: connection.mayHaveName) }
            let caller = try admit(head, on: connection)
            if let page = operatorPage(head, connection.core) { return connection.answer(head, page) }
            if head.path == EngineLinkRoute.path { return try EngineLinkRoute.run(head, caller, on: connection) }
            if head.method == .post, head.path != "/v1/events", head.contains("idempotency-key") {
                throw notYet("Idempotency-Key on this route")
            }
            let work = try route(head, body, connection.core)
            // What is left of publishing: to everybody, or to one connection.
            if head.method == .post, scope(head) == .publish { try charge(caller, events: 1, connection.core) }
            connection.answerLater(head, work)
        } catch {
            connection.answer(head, error.response)
        }
    }

    /// Metrics and health never wait for a worker: a stuck one must not hide itself.
    private static func operatorPage(_ head: RequestHead, _ core: WorkerCore) -> EngineResponse? {
        guard head.method == .get || head.method == .head else { return nil }
        switch head.path {
        case "/metrics":
            return EngineResponse(status: .ok, body: Array(core.board.metricsPage.text().utf8), contentType: MetricsPage.contentType)
        case "/healthz": return .json(["status": "ok"])
        case "/readyz":
            switch core.board.phase {
            // Who comes without a token is let in all the same, where that is allowed.
            case .ready where core.board.door.lacksKeys && !core.plan.settings.allowAnonymous:
                return .error(
                    .serviceUnavailable, "NO_KEYS", "no client is let in: the keys of tokens could not be fetched yet",
                    retryAfterSeconds: 5)
            case .ready: return .json(["status": "ready"])
            case .starting: return .error(.serviceUnavailable, "STARTING", "the gateway is starting", retryAfterSeconds: 1)
            case .draining, .stopped: return .error(.serviceUnavailable, "DRAINING", "the gateway is shutting down", retryAfterSeconds: 2)
            }
        default: return nil
        }
    }

    private static func route(_ head: RequestHead, _ body: [UInt8], _ core: WorkerCore) throws(Refusal) -> Work {
        let parts = head.path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        guard parts.first == "v1" else {
            if ["/metrics", "/healthz", "/readyz"].contains(head.path) { throw methodNotAllowed("GET") }
            throw notFound(head)
        }
        let path = Array(parts.dropFirst())
        switch (path.first, path.count) {
        case ("events", 1): return try broadcast(head, body, core.plan.eventLimits)
        case ("sessions", 1): return try listSessions(head)
        case ("sessions", 2): return try session(path[1], head, body, core.board.startPlan)
        case ("sessions", 3) where path[2] == "connections": return try sessionConnections(path[1], head)
        case ("sessions", 3) where path[2] == "events":
            guard head.method == .get || head.method == .head else { throw methodNotAllowed("GET, POST") }
            return try history(path[1], head)
        case ("connections", 2) where path[1] == "cleanup": return try cleanup(head, body)
        case ("connections", 2): return try connection(path[1], head)
        case ("connections", 3) where path[2] == "events": return try sendToConnection(path[1], head, body, core.plan.eventLimits)
        case ("closures", 1): return try closures(head)
        default: throw notFound(head)
        }
    }

    private static func listSessions(_ head: RequestHead) throws(Refusal) -> Work {
        try require(head, .get)
        let query = try query(head, allowed: ["limit", "after"])
        let limit = try limit(query)
        let after = try query.first("after").map { text throws(Refusal) in try sessionID(Substring(text)) }
        return { board in
            let (page, hasMore) = await board.sessions(after: after, limit: limit)
            let next: JSON = hasMore ? page.last.map { .string($0.id.description) } ?? .null : .null
            return .json(["sessions": .array(page.map { .object($0.json) }), "next": next])
        }
    }

    private static func session(_ text: Substring, _ head: RequestHead, _ body: [UInt8], _ plan: Plan) throws(Refusal) -> Work {
        let id = try sessionID(text)
        _ = try query(head, allowed: [])
        switch head.method {
        case .get, .head:
            return { board in
                guard let info = await board.info(id) else { return sessionNotFound }
                return .json(info.json)
            }
        case .put:
            let changes = try object(head, body)
            try SessionRegistration.parse(changes).check(against: plan)
            return { board in
                do throws(PublishRefusal) {
                    let isNew = try await board.register(id) { base in (try? SessionRegistration.parse(changes, changing: base)) ?? base }
                    guard let info = await board.info(id) else { return sessionNotFound }
                    return .json(info.json, status: isNew ? .created : .ok)
                } catch {
                    return response(error)
                }
            }
        case .delete:
            return { board in
                do throws(PublishRefusal) {
                    return try await board.endSession(id) ? .noContent : sessionNotFound
                } catch {
                    return response(error)
                }
            }
        default: throw methodNotAllowed("GET, PUT, DELETE")
        }
    }

    private static func sessionConnections(_ text: Substring, _ head: RequestHead) throws(Refusal) -> Work {
        try require(head, .get)
        let id = try sessionID(text)
        _ = try query(head, allowed: [])
        return { board in .json(["connections": .array(await board.connections(of: id).map { .object($0.json) })]) }
    }

    private static func history(_ text: Substring, _ head: RequestHead) throws(Refusal) -> Work {
        let id = try sessionID(text)
        let query = try query(head, allowed: ["after", "limit"])
        let limit = try limit(query)
        var after: EventID?
        if let text = query.first("after") {
            do throws(EventIDError) { after = try EventID(parsing: text) } catch {
                throw Refusal(.badRequest, "INVALID_QUERY", "after: \(error.description)")
            }
        }
        return { [after] board in
            switch await board.history(of: id, after: after, limit: limit) {
            case .success(nil): return sessionNotFound
            case .success(let answer?): return EngineResponse(status: .ok, body: answer.body)
            case .failure(let error):
                return .error(.serviceUnavailable, "STORE_FAILED", "the history cannot be read: \(error)", retryAfterSeconds: 5)
            }
        }
    }

    private static func connection(_ text: Substring, _ head: RequestHead) throws(Refusal) -> Work {
        _ = try query(head, allowed: [])
        switch head.method {
        case .get, .head:
            let id = ConnectionID(text)
            return { board in
                guard let id else { return connectionNotFound }
                switch await board.lookUp(id) {
                case .success(let metadata): return .json(metadata.jsonWithStory)
                case .failure(let gone): return gone.closure.map(connectionClosed) ?? connectionNotFound
                }
            }
        case .delete:
            let id = ConnectionID(text)
            return { board in
                guard let id, await board.disconnect(id) else { return connectionNotFound }
                return .noContent
            }
        default: throw methodNotAllowed("GET, DELETE")
        }
    }

    private static func sendToConnection(_ text: Substring, _ head: RequestHead, _ body: [UInt8], _ limits: EventLimits) throws(Refusal)
        -> Work
    {
        try require(head, .post)
        _ = try query(head, allowed: [])
        let parsed = try events(head, body, limits)
        guard !parsed.isBatch, let event = parsed.events.first else {
            throw Refusal(.badRequest, "INVALID_EVENT", "one event is sent to one connection, not several")
        }
        let id = ConnectionID(text)
        return { board in
            guard let id, await board.send(body, event, to: id) else { return connectionNotFound }
            return .json(["sent": 1])
        }
    }

    private static func cleanup(_ head: RequestHead, _ body: [UInt8]) throws(Refusal) -> Work {
        try require(head, .post)
        _ = try query(head, allowed: [])
        let object = try object(head, body)
        var seconds = 300.0
        for (key, value) in object.members {
            guard key == "max_age_seconds", let number = value.doubleValue, number >= 0, number <= 1e9 else {
                throw Refusal(.badRequest, "INVALID_REQUEST", "the body is {\"max_age_seconds\": number from 0 to 1e9}; \(key) is not that")
            }
            seconds = number
        }
        let maxAge = UInt64(seconds * 1000)
        return { board in .json(["cleaned": .int(Int64(await board.cleanup(olderThanMilliseconds: maxAge)))]) }
    }
}

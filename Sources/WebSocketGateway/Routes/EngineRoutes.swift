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
        }

        func check(_ head: RequestHead) throws(Refusal) -> Checked {
            try EngineRoutes.checkHeaders(head)
            let session = try EngineRoutes.sessionID(session)
            let answersEarly = try receiptParameter(head)
            return Checked(session: session, format: try EngineRoutes.format(head), answersEarly: answersEarly)
        }

        private func receiptParameter(_ head: RequestHead) throws(Refusal) -> Bool {
            guard head.hasQuery else { return false }
            let query = try EngineRoutes.query(head, allowed: ["receipt"], notYet: ["wait"])
            switch query.first("receipt") {
            case nil, "full"?: return false
            case "none"?: return true
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

    private static func sessionID(_ bytes: Span<UInt8>) -> Result<SessionID, SessionIDError> {
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
        }
    }

    // MARK: Everything else

    static func run(_ head: RequestHead, _ body: [UInt8], on connection: HTTPConnection) {
        do throws(Refusal) {
            // A load balancer's health check says what it likes.
            if head.path != "/healthz" { try checkHeaders(head) }
            if let page = operatorPage(head, connection.core) { return connection.answer(head, page) }
            connection.answerLater(head, try route(head, body, connection.core.plan))
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
            case .ready: return .json(["status": "ready"])
            case .starting: return .error(.serviceUnavailable, "STARTING", "the gateway is starting", retryAfterSeconds: 1)
            case .draining, .stopped: return .error(.serviceUnavailable, "DRAINING", "the gateway is shutting down", retryAfterSeconds: 2)
            }
        default: return nil
        }
    }

    private static func route(_ head: RequestHead, _ body: [UInt8], _ plan: Plan) throws(Refusal) -> Work {
        let parts = head.path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        guard parts.first == "v1" else {
            if ["/metrics", "/healthz", "/readyz"].contains(head.path) { throw methodNotAllowed("GET") }
            throw notFound(head)
        }
        let path = Array(parts.dropFirst())
        switch (path.first, path.count) {
        case ("events", 1): return try broadcast(head, body, plan)
        case ("sessions", 1): return try listSessions(head)
        case ("sessions", 2): return try session(path[1], head, body)
        case ("sessions", 3) where path[2] == "connections": return try sessionConnections(path[1], head)
        case ("sessions", 3) where path[2] == "events":
            guard head.method == .get || head.method == .head else { throw methodNotAllowed("GET, POST") }
            return try history(path[1], head)
        case ("connections", 2) where path[1] == "cleanup": return try cleanup(head, body)
        case ("connections", 2): return try connection(path[1], head)
        case ("connections", 3) where path[2] == "events": return try sendToConnection(path[1], head, body, plan)
        case ("engine", 1): throw notYet("the engine link")
        default: throw notFound(head)
        }
    }

    private static func broadcast(_ head: RequestHead, _ body: [UInt8], _ plan: Plan) throws(Refusal) -> Work {
        try require(head, .post)
        _ = try query(head, allowed: [])
        let parsed = try events(head, body, plan.eventLimits)
        // One event times every session is as much work as one request may ask for.
        guard !parsed.isBatch else { throw Refusal(.badRequest, "INVALID_EVENT", "one event is broadcast to all, not several") }
        let request = PublishRequest(
            session: nil, body: body, events: parsed.events, receivedAt: Clocks.monotonicNanoseconds, reply: .nobody)
        return { board in
            let receipt = await board.broadcast(request)
            let counts: [(String, Int)] = [
                ("sessions", receipt.sessions), ("connections", receipt.connections), ("sent", receipt.sent), ("queued", receipt.queued),
            ]
            return .json(JSONObject(counts.map { ($0, .int(Int64($1))) }))
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

    private static func session(_ text: Substring, _ head: RequestHead, _ body: [UInt8]) throws(Refusal) -> Work {
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
            _ = try SessionRegistration.parse(changes)
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
            return { board in await board.endSession(id) ? .noContent : sessionNotFound }
        default: throw methodNotAllowed("GET, PUT, DELETE")
        }
    }

    private static func sessionConnections(_ text: Substring, _ head: RequestHead) throws(Refusal) -> Work {
        try require(head, .get)
        let id = try sessionID(text)
        _ = try query(head, allowed: [])
        return { board in .json(["connections": .array(await board.connections(of: id).map(\.json))]) }
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
            guard let answer = await board.history(of: id, after: after, limit: limit) else { return sessionNotFound }
            return EngineResponse(status: .ok, body: answer.body)
        }
    }

    private static func connection(_ text: Substring, _ head: RequestHead) throws(Refusal) -> Work {
        _ = try query(head, allowed: [])
        switch head.method {
        case .get, .head:
            let id = ConnectionID(text)
            return { board in
                guard let id, let metadata = await board.metadata(of: id), let object = metadata.json.objectValue else {
                    return connectionNotFound
                }
                return .json(object)
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

    private static func sendToConnection(_ text: Substring, _ head: RequestHead, _ body: [UInt8], _ plan: Plan) throws(Refusal) -> Work {
        try require(head, .post)
        _ = try query(head, allowed: [])
        let parsed = try events(head, body, plan.eventLimits)
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

    // MARK: What requests have in common

    private static let sessionNotFound = EngineResponse.error(.notFound, "SESSION_NOT_FOUND", "no such session")
    private static let connectionNotFound = EngineResponse.error(.notFound, "CONNECTION_NOT_FOUND", "no such connection")

    private static func notFound(_ head: RequestHead) -> Refusal {
        Refusal(.notFound, "NOT_FOUND", "no such route; docs/PROTOCOL.md lists them")
    }

    private static func methodNotAllowed(_ allowed: String) -> Refusal {
        Refusal(.methodNotAllowed, "METHOD_NOT_ALLOWED", "this route takes \(allowed)", headers: [("Allow", allowed)])
    }

    private static func notYet(_ what: String) -> Refusal {
        Refusal(.notImplemented, "NOT_IMPLEMENTED", "\(what) is not available in this version")
    }

    private static func require(_ head: RequestHead, _ method: HTTPMethod) throws(Refusal) {
        guard head.method == method || method == .get && head.method == .head else { throw methodNotAllowed(method.rawValue) }
    }

    /// Web pages have no business here: a page that a trader happens to visit could otherwise publish to a gateway on the same machine, or,
    /// under a name of its own that resolves to this address, read from it (docs/decisions/0005).
    static func checkHeaders(_ head: RequestHead) throws(Refusal) {
        guard !head.contains("origin") else {
            throw Refusal(.forbidden, "ORIGIN_NOT_ALLOWED", "the control listener does not serve web pages")
        }
        guard head.first("host", satisfies: HostField.isNumericOrLocal) ?? true else {
            throw Refusal(
                .forbidden, "HOST_NOT_ALLOWED", "the control listener answers to its numeric address and to localhost, not to other names")
        }
        guard !head.contains("idempotency-key") else { throw notYet("Idempotency-Key") }
    }

    static func sessionID(_ text: Substring) throws(Refusal) -> SessionID { try sessionID(sessionID(String(text).utf8.span)) }

    private static func sessionID(_ result: Result<SessionID, SessionIDError>) throws(Refusal) -> SessionID {
        do throws(SessionIDError) {
            return try result.get()
        } catch {
            throw Refusal(.badRequest, "INVALID_SESSION_ID", error.description)
        }
    }

    static func query(_ head: RequestHead, allowed: [String], notYet later: [String] = []) throws(Refusal) -> QueryParameters {
        let query: QueryParameters
        do throws(QueryError) { query = try QueryParameters(head.query) } catch {
            throw Refusal(.badRequest, "INVALID_QUERY", error.message)
        }
        if let name = query.names.first(where: later.contains) { throw notYet(name) }
        guard query.names.allSatisfy(allowed.contains) else {
            let known = allowed.isEmpty ? "none" : allowed.joined(separator: ", ")
            throw Refusal(.badRequest, "INVALID_QUERY", "there is a query parameter this route does not know; it takes \(known)")
        }
        return query
    }

    private static func limit(_ query: QueryParameters) throws(Refusal) -> Int {
        guard let text = query.first("limit") else { return 1000 }
        guard let limit = Int(text), (1...10_000).contains(limit) else {
            throw Refusal(.badRequest, "INVALID_QUERY", "limit is a number from 1 to 10000")
        }
        return limit
    }

    private static func format(_ head: RequestHead) throws(Refusal) -> PublishFormat {
        var type: PublishFormat?
        _ = head.first("content-type") { value in
            // What follows is a parameter (RFC 9110 §8.3.1), and no charset changes what JSON is.
            var end = 0
            while end < value.count, value[end] != UInt8(ascii: ";"), value[end] != UInt8(ascii: " ") { end += 1 }
            let essence = value.extracting(..<end)
            if essence.equalsIgnoringCase("application/json") { type = .json }
            if essence.equalsIgnoringCase("application/x-ndjson") { type = .ndjson }
            return true
        }
        guard let type, head.count("content-type") == 1 else {
            throw Refusal(
                .unsupportedMediaType, "UNSUPPORTED_MEDIA_TYPE",
                "say Content-Type: application/json, or application/x-ndjson for one event a line")
        }
        return type
    }

    static func events(_ head: RequestHead, _ body: [UInt8], _ limits: EventLimits) throws(Refusal) -> (
        events: [PublishedEvent], isBatch: Bool
    ) {
        try events(body, format(head), limits)
    }

    static func events(_ body: [UInt8], _ format: PublishFormat, _ limits: EventLimits) throws(Refusal) -> (
        events: [PublishedEvent], isBatch: Bool
    ) {
        do throws(InvalidEvent) {
            return try EventParser.parse(body.span, format: format, limits: limits)
        } catch {
            throw Refusal(
                HTTPStatus.all.first { $0.code == error.status } ?? .badRequest, error.code, error.message,
                details: ["place": .string(error.place), "offset": .int(Int64(error.offset)), "reason": .string(error.reason)])
        }
    }

    private static func object(_ head: RequestHead, _ body: [UInt8]) throws(Refusal) -> JSONObject {
        guard !body.isEmpty else { return [:] }
        guard try format(head) == .json else {
            throw Refusal(.unsupportedMediaType, "UNSUPPORTED_MEDIA_TYPE", "say Content-Type: application/json")
        }
        let value: JSON
        do throws(InvalidJSON) { value = try JSON.parse(body.span) } catch {
            throw Refusal(.badRequest, "INVALID_JSON", error.description, details: ["offset": .int(Int64(error.offset))])
        }
        guard let object = value.objectValue else { throw Refusal(.badRequest, "INVALID_REQUEST", "the body is not a JSON object") }
        guard Set(object.keys).count == object.count else { throw Refusal(.badRequest, "INVALID_REQUEST", "a key is given twice") }
        return object
    }
}

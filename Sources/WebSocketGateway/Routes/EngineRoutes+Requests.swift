internal import EventLoop
internal import HTTP
internal import Sessions

/// What the engine's requests have in common: their checks, and the answers to those that fail them.
extension EngineRoutes {
    static let sessionNotFound = EngineResponse.error(.notFound, "SESSION_NOT_FOUND", "no such session")
    static let connectionNotFound = EngineResponse.error(.notFound, "CONNECTION_NOT_FOUND", "no such connection")

    static func notFound(_ head: RequestHead) -> Refusal {
        Refusal(.notFound, "NOT_FOUND", "no such route; docs/PROTOCOL.md lists them")
    }

    static func methodNotAllowed(_ allowed: String) -> Refusal {
        Refusal(.methodNotAllowed, "METHOD_NOT_ALLOWED", "this route takes \(allowed)", headers: [("Allow", allowed)])
    }

    static func notYet(_ what: String) -> Refusal {
        Refusal(.notImplemented, "NOT_IMPLEMENTED", "\(what) is not available in this version")
    }

    static func require(_ head: RequestHead, _ method: HTTPMethod) throws(Refusal) {
        guard head.method == method || method == .get && head.method == .head else { throw methodNotAllowed(method.rawValue) }
    }

    /// Web pages have no business here: a page that a trader happens to visit could otherwise publish to a gateway on the same machine, or,
    /// under a name of its own that resolves to this address, read from it (docs/decisions/0005).
    ///
    /// A page has no key, and reaches no Unix-domain socket: where keys are asked for, or it is one, the listener may have a name.
    static func checkHeaders(_ head: RequestHead, mayHaveName: Bool) throws(Refusal) {
        guard !head.contains("origin") else {
            throw Refusal(.forbidden, "ORIGIN_NOT_ALLOWED", "the control listener does not serve web pages")
        }
        guard mayHaveName || head.first("host", satisfies: { value, _ in HostField.isNumericOrLocal(value) }) ?? true else {
            throw Refusal(
                .forbidden, "HOST_NOT_ALLOWED", "the control listener answers to its numeric address and to localhost, not to other names")
        }
    }

    static func publishKey(_ head: RequestHead) throws(Refusal) -> String? {
        guard head.contains("idempotency-key") else { return nil }
        guard head.count("idempotency-key") == 1, let key = head.first("idempotency-key"),
            (1...PublishKey.bytesMax).contains(key.utf8.count),
            key.utf8.allSatisfy(PublishKey.allows)
        else {
            throw Refusal(
                .badRequest, "INVALID_IDEMPOTENCY_KEY",
                "Idempotency-Key is 1 to \(PublishKey.bytesMax) visible ASCII characters, given once")
        }
        return key
    }

    static func sessionID(_ text: Substring) throws(Refusal) -> SessionID { try sessionID(sessionID(String(text).utf8.span)) }

    static func sessionID(_ result: Result<SessionID, SessionIDError>) throws(Refusal) -> SessionID {
        do throws(SessionIDError) {
            return try result.get()
        } catch {
            throw Refusal(.badRequest, "INVALID_SESSION_ID", error.description)
        }
    }

    static func query(_ head: RequestHead, allowed: [String]) throws(Refusal) -> QueryParameters {
        let query: QueryParameters
        do throws(QueryError) { query = try QueryParameters(head.query) } catch {
            throw Refusal(.badRequest, "INVALID_QUERY", error.message)
        }
        guard query.names.allSatisfy(allowed.contains) else {
            let known = allowed.isEmpty ? "none" : allowed.joined(separator: ", ")
            throw Refusal(.badRequest, "INVALID_QUERY", "there is a query parameter this route does not know; it takes \(known)")
        }
        return query
    }

    static func limit(_ query: QueryParameters, default standard: Int = 1000, max most: Int = 10_000) throws(Refusal) -> Int {
        guard let text = query.first("limit") else { return standard }
        guard let limit = Int(text), (1...most).contains(limit) else {
            throw Refusal(.badRequest, "INVALID_QUERY", "limit is a number from 1 to \(most)")
        }
        return limit
    }

    static func format(_ head: RequestHead) throws(Refusal) -> PublishFormat {
        var type: PublishFormat?
        _ = head.first("content-type") { value, _ in
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

    static func object(_ head: RequestHead, _ body: [UInt8]) throws(Refusal) -> JSONObject {
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

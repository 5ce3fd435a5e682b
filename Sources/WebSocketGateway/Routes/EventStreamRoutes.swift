internal import HTTP
internal import Sessions

/// What a request for an event stream says and is answered, where it is not as a WebSocket's.
///
/// Flow: ClientRoutes → **EventStreamRoutes** → ClientRoutes → ClientConnection
enum EventStreamRoutes {
    /// A browser asks before it lets a script send `Last-Event-ID` or `Cache-Control` with `fetch`; `EventSource` sends both without asking.
    static func preflight(_ head: RequestHead, _ core: WorkerCore) -> EngineResponse {
        let crossOrigin = CrossOrigin(head, core.plan.origins)
        guard crossOrigin.isAllowed else { return foreign(crossOrigin) }
        var response = EngineResponse.noContent
        response.headers =
            [("Allow", "GET, OPTIONS")] + crossOrigin.headers
            + [
                ("Access-Control-Allow-Methods", "GET"), ("Access-Control-Allow-Headers", "Authorization, Last-Event-ID, Cache-Control"),
                ("Access-Control-Max-Age", "600"),
            ]
        return response
    }

    private static func foreign(_ crossOrigin: CrossOrigin) -> EngineResponse {
        .error(.forbidden, "ORIGIN_NOT_ALLOWED", "pages of this origin may not connect", headers: crossOrigin.headers)
    }

    static func accept(_ head: RequestHead, _ core: WorkerCore) throws(ClientRoutes.Refusal) -> CrossOrigin {
        guard !head.hasBody else {
            throw ClientRoutes.Refusal(
                outcome: .malformed, response: .error(.badRequest, "BAD_REQUEST", "a request for an event stream has no body"))
        }
        return CrossOrigin(head, core.plan.origins)
    }

    /// The event that the client has seen last. Empty is nothing: it is what a browser's `lastEventId` is before the first event.
    static func lastEventID(_ head: RequestHead) throws(ClientRoutes.Refusal) -> EventID? {
        func malformed(_ message: String) -> ClientRoutes.Refusal {
            ClientRoutes.Refusal(outcome: .malformed, response: .error(.badRequest, "INVALID_QUERY", message))
        }
        guard head.count("last-event-id") <= 1 else { throw malformed("Last-Event-ID stands there more than once") }
        guard let text = head.first("last-event-id"), !text.isEmpty else { return nil }
        do throws(EventIDError) {
            return try EventID(parsing: text)
        } catch {
            throw malformed("Last-Event-ID: \(error.description)")
        }
    }

    /// A refusal that a page with leave to connect may also read.
    static func readable(_ response: EngineResponse, _ head: RequestHead, _ core: WorkerCore) -> EngineResponse {
        var isOurs = false
        head.withPath { path in isOurs = path.count >= 5 && path.extracting(..<5).equals("/sse/") }
        guard isOurs else { return response }
        var response = response
        response.headers += CrossOrigin(head, core.plan.origins).headers
        return response
    }

    /// The head, and when to come back. The body has no length and no chunks: it ends with the connection (RFC 9112 §6.3), so that an event is the same
    /// bytes for all. Proxies are told not to hold it back.
    static func appendAnswer(_ crossOrigin: CrossOrigin, date: [UInt8], retryMilliseconds: Int, to bytes: inout [UInt8]) {
        bytes.append(contentsOf: "HTTP/1.1 200 OK\r\n".utf8)
        bytes.append(contentsOf: date)
        bytes.append(contentsOf: "Content-Type: text/event-stream; charset=utf-8\r\nCache-Control: no-store\r\n".utf8)
        bytes.append(contentsOf: "X-Accel-Buffering: no\r\nConnection: close\r\n".utf8)
        for (name, value) in crossOrigin.headers { bytes.append(contentsOf: "\(name): \(value)\r\n".utf8) }
        bytes.append(contentsOf: "\r\n".utf8)
        bytes += EventStream.retry(milliseconds: retryMilliseconds)
    }
}

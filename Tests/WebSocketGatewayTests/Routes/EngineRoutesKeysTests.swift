import HTTP
import Testing

@testable import WebSocketGateway

@Suite("Which key a request needs")
struct EngineRoutesKeysTests {
    @Test(
        arguments: [
            ("GET", "/healthz", nil), ("HEAD", "/healthz", nil), ("GET", "/readyz", nil), ("POST", "/healthz", .manage),
            ("GET", "/metrics", .read),
            ("GET", "/v1/sessions", .read), ("GET", "/v1/sessions/s1", .read), ("HEAD", "/v1/sessions/s1", .read),
            ("PUT", "/v1/sessions/s1", .manage),
            ("DELETE", "/v1/sessions/s1", .manage), ("GET", "/v1/sessions/s1/events", .read), ("POST", "/v1/sessions/s1/events", .publish),
            ("POST", "/v1/events", .publish), ("GET", "/v1/sessions/s1/connections", .read), ("GET", "/v1/connections/c1", .read),
            ("DELETE", "/v1/connections/c1", .manage), ("POST", "/v1/connections/c1/events", .publish),
            ("POST", "/v1/connections/cleanup", .manage),
            ("GET", "/v1/closures", .read), ("GET", "/v1/engine", .publish), ("GET", "/", .read), ("DELETE", "/", .manage),
            ("OPTIONS", "/metrics", .manage),
            ("GET", "/healthz/", .read), ("GET", "/healthz%2e", .read), ("PUT", "/v1/sessions/events", .manage),
        ] as [(String, String, APIScope?)])
    func `each route has its scope, and only health has none`(_ method: String, _ path: String, _ scope: APIScope?) throws {
        var parser = RequestParser(limits: HTTPLimits())
        var position = 0
        let text = "\(method) \(path) HTTP/1.1\r\nHost: gateway\r\nContent-Length: 0\r\n\r\n"
        guard case .head(let head)? = try parser.next(text.utf8.span, at: &position) else { return #expect(Bool(false), "no head") }
        #expect(EngineRoutes.scope(head) == scope)
    }
}

import HTTP
import Sessions
import Testing

@testable import WebSocketGateway

@Suite("Answers to engines")
struct EngineResponseTests {
    private func text(_ response: EngineResponse, keepAlive: Bool = true, includeBody: Bool = true) -> String {
        String(decoding: response.encoded(keepAlive: keepAlive, includeBody: includeBody, date: []), as: UTF8.self)
    }

    @Test func `an object is sent as JSON`() {
        #expect(text(.json(["a": 1])) == "HTTP/1.1 200 OK\r\nContent-Length: 7\r\nContent-Type: application/json\r\n\r\n{\"a\":1}")
        #expect(text(.json(["a": 1], status: .created)).hasPrefix("HTTP/1.1 201 Created\r\n"))
        #expect(text(.json([:]), keepAlive: false).contains("\r\nConnection: close\r\n"))
    }

    @Test func `to HEAD the body's length is told and the body left out`() {
        #expect(
            text(.json(["a": 1]), includeBody: false) == "HTTP/1.1 200 OK\r\nContent-Length: 7\r\nContent-Type: application/json\r\n\r\n")
    }

    @Test func `no content is none, of no type`() {
        #expect(text(.noContent) == "HTTP/1.1 204 No Content\r\n\r\n")
    }

    @Test func `an error says what is wrong`() {
        let response = EngineResponse.error(
            .serviceUnavailable, "CODE", "a \"message\"", details: ["x": 1], retryAfterSeconds: 5, headers: [("Allow", "GET")])
        let text = text(response)
        #expect(text.hasPrefix("HTTP/1.1 503 Service Unavailable\r\n"))
        #expect(text.contains("\r\nAllow: GET\r\nRetry-After: 5\r\n"))
        #expect(text.hasSuffix(#"{"error":{"code":"CODE","message":"a \"message\"","details":{"x":1}}}"#))
    }

    @Test func `every violation of HTTP has its answer`() {
        let text = text(.error(HTTPViolation.bodyTooLarge, "too large"), keepAlive: false)
        #expect(text.hasPrefix("HTTP/1.1 413 Content Too Large\r\n"))
        #expect(text.contains("\"rule\":\""))
    }
}

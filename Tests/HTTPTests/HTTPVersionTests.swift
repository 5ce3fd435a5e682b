import HTTP
import Testing

struct HTTPVersionTests {
    @Test(
        arguments: [
            ("HTTP/1.1", nil), ("HTTP/1.0", .versionNotSupported), ("HTTP/0.9", .versionNotSupported), ("HTTP/9.9", .versionNotSupported),
            ("http/1.1", .versionMalformed), ("HTTP/1", .versionMalformed), ("HTTP/1.1.", .versionMalformed),
            ("HTTP/a.1", .versionMalformed),
            ("HTTP/1.\u{E9}", .versionMalformed), ("HTTPS/1.1", .versionMalformed), ("HTTP/11", .versionMalformed),
            ("/", .versionMalformed),
        ] as [(String, HTTPViolation?)])
    func `a version is HTTP, a slash and two digits, and only 1_1 is served`(version: String, violation: HTTPViolation?) {
        #expect(Outcome.ofRequests([[UInt8]("GET / \(version)\r\n".utf8)]).violation == violation)
    }

    @Test func `a health check may speak 1_0, without Host, for one answer`() throws {
        let head = try #require(try RequestParser.head("GET /healthz?verbose HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"))
        #expect(head.version == .http10)
        #expect(!head.keepAlive)
    }
}

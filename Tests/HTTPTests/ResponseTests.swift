import HTTP
import Testing

struct ResponseTests {
    private func text(_ response: Response, keepAlive: Bool = true, includeBody: Bool = true) -> String {
        String(decoding: response.encoded(keepAlive: keepAlive, includeBody: includeBody), as: UTF8.self)
    }

    @Test func `a response is a status line, its length, its headers and its body`() {
        let response = Response(.ok, headers: [("Retry-After", "5")], body: [UInt8]("{}".utf8), contentType: "application/json")
        #expect(text(response) == "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: application/json\r\nRetry-After: 5\r\n\r\n{}")
    }

    @Test func `the last response on a connection says so`() {
        #expect(text(Response(.notFound), keepAlive: false) == "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    }

    @Test func `an answer to HEAD keeps the length and leaves the body out`() {
        #expect(text(Response(.ok, body: [1, 2, 3]), includeBody: false) == "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n")
    }

    @Test(arguments: [HTTPStatus.switchingProtocols, .noContent, .continue])
    func `a status without content has neither length nor body`(status: HTTPStatus) {
        #expect(text(Response(status, body: [1])) == "HTTP/1.1 \(status.code) \(status.reason)\r\n\r\n")
    }

    @Test(arguments: HTTPStatus.all) func `a response is read back by our own parser`(status: HTTPStatus) {
        let bytes = Response(status, headers: [("X", "é")], body: [65]).encoded(keepAlive: true)
        let outcome = Outcome.ofResponses([bytes])
        #expect(outcome.violation == nil && outcome.rest.isEmpty)
        #expect(outcome.elements.first?.hasPrefix("\(status.code) http11 x [\"é\"]") == true)
    }

    @Test func `a line break in a header is a programming error`() async {
        await #expect(processExitsWith: .failure) { _ = Response(.ok, headers: [("X", "a\r\nY: b")]) }
        await #expect(processExitsWith: .failure) { _ = Response(.ok, headers: [("X\n", "a")]) }
    }
}

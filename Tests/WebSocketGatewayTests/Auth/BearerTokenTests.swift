import HTTP
import Testing

@testable import WebSocketGateway

@Suite("Where a request has its token")
struct BearerTokenTests {
    private func find(_ query: String? = nil, _ lines: String...) throws -> String? {
        let text = "GET /ws/backtest/s1 HTTP/1.1\r\nHost: gateway\r\n" + lines.map { "\($0)\r\n" }.joined() + "\r\n"
        var parser = RequestParser(limits: HTTPLimits())
        var position = 0
        guard case .head(let head) = try parser.next(text.utf8.span, at: &position) else { return nil }
        return try BearerToken.find(head, QueryParameters(query)).map { String(decoding: $0, as: UTF8.self) }
    }

    @Test func `in the query or behind Bearer, in any case`() throws {
        #expect(try find() == nil)
        #expect(try find("join=all") == nil)
        #expect(try find("token=a.b.c&join=all") == "a.b.c")
        #expect(try find("token=") == "")
        #expect(try find(nil, "Authorization: Bearer a.b.c") == "a.b.c")
        #expect(try find(nil, "authorization: bEARER   a.b.c") == "a.b.c")
    }

    @Test(arguments: [
        ["Authorization: Basic YTpi"], ["Authorization: Bearer"], ["Authorization: a.b.c"], ["Authorization:"],
        ["Authorization: BearerX a.b.c"],
        ["Authorization: Bearer a.b.c", "Authorization: Bearer a.b.c"],
    ])
    func `another scheme or several tokens are none`(_ lines: [String]) {
        #expect(throws: TokenFault.ambiguous) { lines.count == 1 ? try find(nil, lines[0]) : try find(nil, lines[0], lines[1]) }
    }

    @Test func `one in each place is one too many`() {
        #expect(throws: TokenFault.ambiguous) { try find("token=a.b.c", "Authorization: Bearer a.b.c") }
    }
}

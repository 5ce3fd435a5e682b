import HTTP
import Testing

@testable import WebSocketGateway

@Suite("Whose page may read an event stream")
struct CrossOriginTests {
    private func head(_ fields: String) throws -> RequestHead {
        let bytes = Array("GET /sse/backtest/s HTTP/1.1\r\nHost: a\r\n\(fields)\r\n".utf8)
        var parser = RequestParser(limits: HTTPLimits())
        var position = 0
        guard case .head(let head)? = try parser.next(bytes.span, at: &position) else { throw NoHead() }
        return head
    }

    private struct NoHead: Error {}

    private func answer(_ fields: String, _ allowed: [String], onLoopback: Bool = true) throws -> String {
        let crossOrigin = CrossOrigin(try head(fields), try OriginPolicy(allowed, onLoopback: onLoopback))
        return "\(crossOrigin.isAllowed) " + crossOrigin.headers.map { "\($0)=\($1)" }.joined(separator: "; ")
    }

    @Test(
        arguments: [
            ("", [], "true Vary=Origin"),
            ("Origin: http://localhost:3000\r\n", [], "true Access-Control-Allow-Origin=http://localhost:3000; Vary=Origin"),
            ("Origin: https://evil.example\r\n", [], "false Vary=Origin"),
            ("Origin: null\r\n", [], "false Vary=Origin"),
            ("Origin: https://a.example\r\n", ["https://a.example"], "true Access-Control-Allow-Origin=https://a.example; Vary=Origin"),
            ("Origin: HTTPS://A.example\r\n", ["https://a.example"], "true Access-Control-Allow-Origin=HTTPS://A.example; Vary=Origin"),
            ("Origin: https://b.example\r\n", ["https://a.example"], "false Vary=Origin"),
            ("Origin: https://b.example\r\n", ["*"], "true Access-Control-Allow-Origin=*"),
            ("", ["*"], "true Access-Control-Allow-Origin=*"),
            ("Origin: http://localhost\r\nOrigin: http://localhost\r\n", [], "false Vary=Origin"),
            // No origin of a browser's, and nothing that goes back in a header of ours.
            ("Origin: a\tb://localhost\r\n", [], "true Vary=Origin"),
            ("Origin: é://localhost\r\n", [], "true Vary=Origin"),
        ] as [(String, [String], String)])
    func `an allowed page is named, and no other`(fields: String, allowed: [String], expected: String) throws {
        #expect(try answer(fields, allowed) == expected)
    }
}

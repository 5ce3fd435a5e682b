import HTTP
import Testing

struct ResponseHeadTests {
    private func head(_ text: String) throws -> ResponseHead {
        let bytes = [UInt8](text.utf8)
        var parser = ResponseParser()
        var position = 0
        guard case .head(let head)? = try parser.next(bytes.span, at: &position) else { throw HTTPViolation.statusLineMalformed }
        return head
    }

    @Test func `status and fields are told`() throws {
        let head = try head(
            "HTTP/1.1 426 Upgrade Required\r\nContent-Length: 2\r\nSec-WebSocket-Version: 13\r\nConnection: Close, x\r\n\r\n")
        #expect(head.status == 426 && head.version == .http11 && head.contentLength == 2 && head.hasBody && !head.isChunked)
        #expect(head.first("sec-websocket-version") == "13")
        #expect(head.values("sec-websocket-version") == ["13"])
        #expect(head.contains("connection") && head.has("connection", token: "close") && !head.keepAlive)
    }

    @Test(arguments: [(100, true), (101, false), (103, true), (204, false)])
    func `an interim answer is a 1xx other than 101`(status: Int, expected: Bool) throws {
        #expect(try head("HTTP/1.1 \(status) x\r\n\r\n").isInterim == expected)
    }
}

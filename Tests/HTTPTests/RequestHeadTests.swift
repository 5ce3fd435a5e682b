import Testing

@testable import HTTP

struct RequestHeadTests {
    private func head(_ fields: String, line: String = "GET /a%20b?x=1&y HTTP/1.1") throws -> RequestHead {
        try #require(try RequestParser.head("\(line)\r\nHost: a\r\n\(fields)\r\n"))
    }

    @Test func `path and query are raw`() throws {
        #expect(try head("").path == "/a%20b")
        #expect(try head("").query == "x=1&y")
        #expect(try head("", line: "GET /? HTTP/1.1").query == "")
        #expect(try head("", line: "GET / HTTP/1.1").query == nil)
        #expect(try head("", line: "GET /a?b?c HTTP/1.1").query == "b?c")
    }

    @Test func `bytes are lent where they lie, and are those of the Strings`() throws {
        let head = try head("X-A: 1\r\nx-a: 2\r\n")
        var isPath = false
        head.withPath { isPath = $0.equals("/a%20b") }
        let isFirst = head.first("x-a") { $0.equals("1") && $1 == 2 }
        let isMissing = head.first("x-b") { _, _ in true } == nil
        #expect(isPath && isFirst == true && isMissing)
        #expect(head.count("x-a") == 2 && head.count("x-b") == 0)
        #expect(head.hasQuery)
        #expect(try !self.head("", line: "GET / HTTP/1.1").hasQuery)
    }

    @Test func `fields are found by name whatever its case, with every value in order`() throws {
        let head = try head("X-A: 1\r\nx-a:\r\nX-B: 2\r\nX-a:  3 4\t\r\n")
        #expect(head.values("x-a") == ["1", "", "3 4"])
        #expect(head.first("x-a") == "1")
        #expect(head.first("x") == nil)
        #expect(head.values("x-c").isEmpty)
        #expect(head.contains("x-b") && !head.contains("x-c"))
        #expect(head.fieldCount == 5)
    }

    @Test func `bytes that are not UTF-8 become replacement characters`() throws {
        let bytes = [UInt8]("GET / HTTP/1.1\r\nHost: a\r\nX: a".utf8) + [0xFF, 0xC3] + [UInt8]("\r\n\r\n".utf8)
        var parser = RequestParser()
        var position = 0
        guard case .head(let head)? = try parser.next(bytes.span, at: &position) else { return #expect(Bool(false)) }
        #expect(head.first("x") == "a\u{FFFD}\u{FFFD}")
        #expect(!head.has("x", token: "a"))
    }

    @Test(arguments: [
        ("Connection: upgrade", true), ("Connection: keep-alive, Upgrade", true), ("Connection: keep-alive,  UPGRADE ,x", true),
        ("Connection: a\r\nConnection: upgrade", true), ("Connection: ,,upgrade,", true), ("Connection: upgrades", false),
        ("Connection: up grade", false), ("Connection:", false), ("Connection: ,", false), ("X: upgrade", false),
    ])
    func `a list holds a token whatever its case, place and line`(fields: String, expected: Bool) throws {
        #expect(try head(fields + "\r\n").has("connection", token: "upgrade") == expected)
    }

    @Test func `a connection is kept unless it is said to close`() throws {
        #expect(try head("").keepAlive)
        #expect(try head("Connection: keep-alive\r\n").keepAlive)
        #expect(try !head("Connection: keep-alive, Close\r\n").keepAlive)
        #expect(try !head("Connection: keep-alive\r\n", line: "GET /healthz HTTP/1.0").keepAlive)
    }

    @Test func `an upgrade needs both fields and 1_1`() throws {
        #expect(try head("Upgrade: websocket\r\nConnection: upgrade\r\n").isUpgrade)
        #expect(try head("Upgrade: h2c, WebSocket\r\nConnection: upgrade\r\n").isUpgrade)
        #expect(try !head("Upgrade: websocket\r\n").isUpgrade)
        #expect(try !head("Upgrade: h2c\r\nConnection: upgrade\r\n").isUpgrade)
        #expect(try !head("Upgrade: websocket\r\nConnection: upgrade\r\n", line: "GET /healthz HTTP/1.0").isUpgrade)
    }

    @Test func `a body follows a length above zero or chunks`() throws {
        #expect(try head("Content-Length: 1\r\n").hasBody)
        #expect(try head("Content-Length: 1\r\n").contentLength == 1)
        #expect(try !head("Content-Length: 0\r\n").hasBody)
        #expect(try head("Transfer-Encoding: chunked\r\n").hasBody)
        #expect(try head("Transfer-Encoding: chunked\r\n").isChunked)
        #expect(try !head("").hasBody)
    }

    @Test func `100-continue is expected only where there is a body to wait for`() throws {
        #expect(try head("Expect: 100-continue\r\nContent-Length: 1\r\n").expectsContinue)
        #expect(try head("Expect: 100-CONTINUE\r\nTransfer-Encoding: chunked\r\n").expectsContinue)
        #expect(try !head("Expect: 100-continue\r\nContent-Length: 0\r\n").expectsContinue)
        #expect(try !head("Content-Length: 1\r\n").expectsContinue)
        #expect(try !head("Expect: 100-continue\r\nContent-Length: 1\r\n", line: "POST /healthz HTTP/1.0").expectsContinue)
    }
}

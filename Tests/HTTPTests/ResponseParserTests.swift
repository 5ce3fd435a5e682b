import HTTP
import Testing

struct ResponseParserTests {
    let seed = UInt64.random(in: .min ... .max)

    private static let valid: [(response: String, elements: Int)] = [
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", 3),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX: 1\r\n\r\n3\r\nabc\r\n0\r\n\r\n", 2),
        ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nX: 1\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 1\r\n\r\nx", 4),
        ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n\u{1}\u{2}frames", 1),
        (
            "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"
                + "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n",
            3
        ),
        ("HTTP/1.0 200\r\nContent-Length: 1\r\n\r\nx", 2),
    ]

    private static let hostile: [(response: String, violation: HTTPViolation)] = [
        ("\r\n", .startLineEmpty), ("HTTP/1.1 20 OK\r\n", .statusLineMalformed), ("HTTP/1.1  200 OK\r\n", .statusLineMalformed),
        ("HTTP/1.1 2000 OK\r\n", .statusLineMalformed), ("HTTP/1.1 099 OK\r\n", .statusLineMalformed),
        ("HTTP/1.1 600 OK\r\n", .statusLineMalformed),
        ("HTTP/1.1 +20 OK\r\n", .statusLineMalformed), ("HTTP/1.1\r\n", .statusLineMalformed), ("http/1.1 200 OK\r\n", .versionMalformed),
        ("HTTP/2.0 200 OK\r\n", .versionNotSupported), ("HTTP/1.1 200 OK\n", .bareLineFeed),
        ("HTTP/1.1 200 OK\r\n\r\n", .responseLengthUnknown),
        ("HTTP/1.1 200 OK\r\nContent-Length: 65\r\n\r\n", .bodyTooLarge),
        ("HTTP/1.1 200 OK\r\nContent-Length: x\r\n", .contentLengthMalformed),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n", .transferEncodingWithContentLength),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n41\r\n", .bodyTooLarge),
        ("HTTP/1.1 200 " + String(repeating: "a", count: 8192 - 12), .statusLineTooLong),
        ("HTTP/1.1 200 OK\r\nX: " + String(repeating: "a", count: 8192 - 2), .headerLineTooLong),
    ]

    private static var limits: HTTPLimits {
        var limits = HTTPLimits()
        limits.bodyBytesMax = 64
        return limits
    }

    @Test(arguments: valid) func `a valid response parses the same however its bytes are split`(response: String, elements: Int) {
        let bytes = [UInt8](response.utf8)
        let whole = Outcome.ofResponses([bytes])
        #expect(whole.violation == nil)
        #expect(whole.elements.count == elements)
        for pieces in bytes.everySplitInTwo { #expect(Outcome.ofResponses(pieces) == whole, "split at \(pieces[0].count)") }
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<50 { #expect(Outcome.ofResponses(bytes.randomPieces(&generator)) == whole, "seed \(seed)") }
    }

    @Test(arguments: hostile) func `a hostile response is refused for its rule however its bytes are split`(
        response: String, violation: HTTPViolation
    ) {
        let bytes = [UInt8](response.utf8)
        #expect(Outcome.ofResponses([bytes], limits: Self.limits).violation == violation)
        #expect(Outcome.ofResponses(bytes.singleBytes, limits: Self.limits).violation == violation)
    }

    @Test func `bytes after a 101 stay with the caller`() {
        #expect(Outcome.ofResponses([[UInt8](Self.valid[3].response.utf8)]).rest == [UInt8]("\u{1}\u{2}frames".utf8))
    }

    @Test func `an answer to HEAD has no body, whatever it announces, and the next one has`() {
        let response =
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"
        let outcome = Outcome.ofResponses([[UInt8](response.utf8)], answersHead: true)
        #expect(outcome.violation == nil)
        #expect(outcome.elements.count == 4)
    }
}

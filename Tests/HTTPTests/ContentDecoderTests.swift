import Testing

@testable import HTTP

struct ContentDecoderTests {
    private static func chunkedFraming() throws -> ContentFraming {
        let bytes = [UInt8]("transfer-encoding:chunked".utf8)
        var framing = ContentFraming()
        try framing.receive(try FieldLine(0..<bytes.count, of: bytes.span), of: bytes.span)
        return framing
    }

    @Test(arguments: [
        ("0\r\n\r\n", ""), ("1\r\na\r\n0\r\n\r\n", "a"), ("a\r\n0123456789\r\nA\r\nabcdefghij\r\n00\r\n\r\n", "0123456789abcdefghij"),
        ("00000001\r\n\r\r\n00000000\r\n\r\n", "\r"),
    ])
    func `chunks are joined, in one piece and in single bytes`(text: String, content: String) throws {
        let bytes = [UInt8]((text + "GET").utf8)
        var decoder = ContentDecoder(try Self.chunkedFraming())
        var position = 0
        #expect(try decoder.next(bytes.span, at: &position, bytesMax: 64) == [UInt8](content.utf8))
        #expect(position == text.utf8.count)

        decoder = ContentDecoder(try Self.chunkedFraming())
        var received: [UInt8]?
        for byte in text.utf8 {
            #expect(received == nil)
            position = 0
            received = try decoder.next([byte].span, at: &position, bytesMax: 64)
            #expect(position == 1)
        }
        #expect(received == [UInt8](content.utf8))
    }

    @Test func `many small reads of a large body do not copy it each time`() throws {
        // Copying all of it with every byte would be 32 GiB: minutes, not milliseconds.
        let head = [UInt8]("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 262144\r\n\r\n".utf8)
        var parser = RequestParser()
        var position = 0
        _ = try parser.next(head.span, at: &position)
        let byte: [UInt8] = [120]
        var body: [UInt8]?
        for _ in 0..<262_144 {
            position = 0
            if case .body(let content)? = try parser.next(byte.span, at: &position) { body = content }
        }
        #expect(body?.count == 262_144)
    }
}

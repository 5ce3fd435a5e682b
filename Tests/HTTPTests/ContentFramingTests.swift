import HTTP
import Testing

struct ContentFramingTests {
    @Test(arguments: [
        ("0", 0), ("5", 5), ("0005", 5), ("1048576", 1_048_576), ("000000000000000001", 1),
    ])
    func `a length in digits is taken, up to 18 of them`(value: String, length: Int) throws {
        let head = try RequestParser.head("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(value)\r\n\r\n")
        #expect(head?.contentLength == length)
    }

    @Test(arguments: ["0000000000000000001", "9223372036854775807", "18446744073709551616", String(repeating: "9", count: 8000)])
    func `a length of more digits is too large, whatever it says`(value: String) {
        #expect(throws: HTTPViolation.bodyTooLarge) {
            try RequestParser.head("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(value)\r\n\r\n")
        }
    }

    @Test(arguments: ["", "a", "1a", "1.0", "1e3", "-0", "+0", "1,1", "1 1", "\u{661}", "0x1"])
    func `a length of anything but digits is malformed`(value: String) {
        #expect(throws: HTTPViolation.contentLengthMalformed) {
            try RequestParser.head("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(value)\r\n\r\n")
        }
    }
}

import Testing

@testable import HTTP

struct RequestLineTests {
    @Test func `a target byte is visible ASCII other than the number sign`() {
        for byte in UInt8.min ... .max where byte != UInt8(ascii: " ") && byte != UInt8(ascii: "?") {
            let bytes = [UInt8]("GET /".utf8) + [byte] + [UInt8](" HTTP/1.1".utf8)
            let line = try? RequestLine(0..<bytes.count, of: bytes.span)
            #expect((line != nil) == ((0x21...0x7E).contains(byte) && byte != UInt8(ascii: "#")), "\(byte)")
        }
    }

    @Test func `the first question mark ends the path`() throws {
        let bytes = [UInt8]("xGET /a?b?c HTTP/1.1".utf8)
        let line = try RequestLine(1..<bytes.count, of: bytes.span)
        #expect(line.path == 5..<7)
        #expect(line.query == 8..<11)
    }
}

import HTTP
import Testing

struct HTTPLimitsTests {
    private func outcome(_ text: String, _ limits: HTTPLimits = HTTPLimits()) -> Outcome {
        let bytes = [UInt8](text.utf8)
        let whole = Outcome.ofRequests([bytes], limits: limits)
        #expect(Outcome.ofRequests(bytes.singleBytes, limits: limits) == whole)
        return whole
    }

    @Test func `a request line of 8192 bytes is taken, and the 8193rd byte is refused without waiting for the end`() {
        let around = "GET / HTTP/1.1".utf8.count
        let path = String(repeating: "a", count: 8192 - around)
        #expect(outcome("GET /\(path) HTTP/1.1\r\nHost: a\r\n\r\n").violation == nil)
        #expect(outcome("GET /\(path)a HTTP/1.1\r\nHost: a\r\n\r\n").violation == .requestLineTooLong)
        #expect(outcome("GET /" + String(repeating: "a", count: 8192 - 5)).violation == nil)
        #expect(outcome("GET /" + String(repeating: "a", count: 8193 - 5)).violation == .requestLineTooLong)
    }

    @Test func `a header line of 8192 bytes is taken, and the 8193rd byte is refused without waiting for the end`() {
        let line = "X: " + String(repeating: "v", count: 8192 - 3)
        #expect(outcome("GET / HTTP/1.1\r\nHost: a\r\n\(line)\r\n\r\n").violation == nil)
        #expect(outcome("GET / HTTP/1.1\r\nHost: a\r\n\(line)v\r\n\r\n").violation == .headerLineTooLong)
        #expect(outcome("GET / HTTP/1.1\r\nHost: a\r\n\(line)").violation == nil)
        #expect(outcome("GET / HTTP/1.1\r\nHost: a\r\n\(line)v").violation == .headerLineTooLong)
    }

    @Test func `headers of 16384 bytes are taken, and the next byte is refused without waiting for the end`() {
        // "Host: a" CRLF is 9 bytes, each line of 8000 is 8002 with its CRLF.
        let lines = String(repeating: "X: " + String(repeating: "v", count: 7997) + "\r\n", count: 2)
        let last = "X: " + String(repeating: "v", count: 16384 - 9 - 2 * 8002 - 2 - 3)
        #expect(outcome("GET / HTTP/1.1\r\nHost: a\r\n\(lines)\(last)\r\n\r\n").violation == nil)
        #expect(outcome("GET / HTTP/1.1\r\nHost: a\r\n\(lines)\(last)v\r\n\r\n").violation == .headersTooLarge)
        #expect(outcome("GET / HTTP/1.1\r\nHost: a\r\n\(lines)\(last)v").violation == .headersTooLarge)
        #expect(outcome("GET / HTTP/1.1\r\nHost: a\r\n\(lines)\(last)\r\nX").violation == .headersTooLarge)
    }

    @Test func `64 header fields are taken, and the first byte of another is refused`() {
        let fields = "Host: a\r\n" + String(repeating: "X: y\r\n", count: 63)
        #expect(outcome("GET / HTTP/1.1\r\n\(fields)\r\n").violation == nil)
        #expect(outcome("GET / HTTP/1.1\r\n\(fields)X").violation == .headerFieldsTooMany)
    }

    @Test func `a counted body of 1048576 bytes is taken, and a longer one refused with its head`() {
        let body = String(repeating: "b", count: 1_048_576)
        #expect(
            Outcome.ofRequests([[UInt8]("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1048576\r\n\r\n\(body)".utf8)]).elements.count == 2)
        let refused = outcome("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1048577\r\n\r\n")
        #expect(refused.violation == .bodyTooLarge)
        #expect(refused.elements.isEmpty)
    }

    @Test func `chunks of 1048576 bytes together are taken, and one more byte is refused with its size`() {
        let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        let half = "80000\r\n" + String(repeating: "b", count: 0x80000) + "\r\n"
        let taken = Outcome.ofRequests([[UInt8]("\(head)\(half)\(half)0\r\n\r\n".utf8)])
        #expect(taken.elements.count == 2 && taken.violation == nil)
        #expect(Outcome.ofRequests([[UInt8]("\(head)\(half)\(half)1\r\n".utf8)]).violation == .bodyTooLarge)
    }

    @Test func `limits of nothing refuse everything and trap on nothing`() {
        var limits = HTTPLimits()
        limits.bodyBytesMax = 0
        #expect(outcome("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", limits).violation == nil)
        #expect(outcome("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n", limits).violation == .bodyTooLarge)
        limits.headersBytesMax = 0
        #expect(outcome("GET / HTTP/1.1\r\nHost: a\r\n\r\n", limits).violation == .headersTooLarge)
        #expect(outcome("GET / HTTP/1.1\r\n\r\n", limits).violation == .hostMissing)
        limits.headerFieldsMax = 0
        #expect(outcome("GET / HTTP/1.1\r\nHost: a\r\n\r\n", limits).violation == .headerFieldsTooMany)
        limits.requestLineBytesMax = 0
        #expect(outcome("GET / HTTP/1.1\r\n", limits).violation == .requestLineTooLong)
        #expect(outcome("\r\n", limits).violation == .startLineEmpty)
    }
}

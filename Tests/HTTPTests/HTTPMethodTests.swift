import HTTP
import Testing

struct HTTPMethodTests {
    @Test(arguments: HTTPMethod.allCases) func `a known method parses`(method: HTTPMethod) throws {
        let head = try RequestParser.head("\(method.rawValue) / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
        #expect(head?.method == method)
    }

    @Test(arguments: ["get", "Get", "GETT", "GE", "TRACE", "CONNECT", "PROPFIND", String(repeating: "A", count: 5000)])
    func `another token is not implemented`(method: String) {
        #expect(throws: HTTPViolation.methodUnknown) { try RequestParser.head("\(method) / HTTP/1.1\r\n") }
    }

    @Test(arguments: HTTPMethod.allCases) func `only a POST or a PUT needs a length`(method: HTTPMethod) {
        let request = "\(method.rawValue) / HTTP/1.1\r\nHost: a\r\n\r\n"
        let expected: HTTPViolation? = method == .post || method == .put ? .lengthRequired : nil
        #expect(Outcome.ofRequests([[UInt8](request.utf8)]).violation == expected)
    }
}

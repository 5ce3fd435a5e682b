/// An answer, ready to be written (RFC 9112 §4).
package struct Response: Sendable {
    package let status: HTTPStatus
    package let contentType: StaticString?
    package let headers: [(String, String)]
    package let body: [UInt8]

    /// `headers` come from us: a name that is no token, or a control character in a value, would let a peer write our answer
    /// (response splitting), so it is a programming error. Do not pass on what a peer sent unchecked.
    package init(_ status: HTTPStatus, headers: [(String, String)] = [], body: [UInt8] = [], contentType: StaticString? = nil) {
        self.status = status
        self.body = body
        self.contentType = contentType
        self.headers = headers
        for (name, value) in headers {
            precondition(!name.isEmpty && name.utf8.allSatisfy(\.isToken), "a header name is a token")
            precondition(!value.utf8.contains(where: \.isControl), "a header value holds no control characters")
        }
    }

    /// `includeBody` is false in answer to HEAD, which still tells the length (RFC 9110 §9.3.2).
    /// `date` is a whole header line that the caller keeps (RFC 9110 §6.6.1: every answer but 1xx and 5xx has one), or nothing.
    package func encoded(keepAlive: Bool, includeBody: Bool = true, date: [UInt8] = []) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(256 + (includeBody ? body.count : 0))
        Self.append(status, contentBytes: body.count, contentType, keepAlive: keepAlive, date: date, to: &bytes)
        for (name, value) in headers { Self.append(name, value, to: &bytes) }
        bytes.append(ascii: "\r\n")
        if includeBody, status.allowsContent { bytes.append(contentsOf: body) }
        return bytes
    }

    private static func append(
        _ status: HTTPStatus, contentBytes: Int, _ contentType: StaticString?, keepAlive: Bool, date: [UInt8], to bytes: inout [UInt8]
    ) {
        bytes.append(ascii: "HTTP/1.1 ")
        bytes.append(decimal: Int(status.code))
        bytes.append(ascii: " ")
        bytes.append(ascii: status.reason)
        bytes.append(ascii: "\r\n")
        bytes.append(contentsOf: date)
        if status.allowsContent {
            bytes.append(ascii: "Content-Length: ")
            bytes.append(decimal: contentBytes)
            bytes.append(ascii: "\r\n")
        }
        if !keepAlive { bytes.append(ascii: "Connection: close\r\n") }
        if let contentType {
            bytes.append(ascii: "Content-Type: ")
            bytes.append(ascii: contentType)
            bytes.append(ascii: "\r\n")
        }
    }

    private static func append(_ name: String, _ value: String, to bytes: inout [UInt8]) {
        bytes.append(contentsOf: name.utf8)
        bytes.append(ascii: ": ")
        bytes.append(contentsOf: value.utf8)
        bytes.append(ascii: "\r\n")
    }
}

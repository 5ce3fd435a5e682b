/// The versions of HTTP that are spoken here (RFC 9112 §2.3).
package enum HTTPVersion: String, Sendable, CaseIterable {
    case http10 = "HTTP/1.0"
    case http11 = "HTTP/1.1"
}

extension HTTPVersion {
    /// The name is case-sensitive and both numbers are one digit: `HTTP/` DIGIT `.` DIGIT, nothing else.
    init(_ bytes: Span<UInt8>) throws(HTTPViolation) {
        if bytes.equals("HTTP/1.1") {
            self = .http11
            return
        }
        guard bytes.count == 8, bytes.extracting(first: 5).equals("HTTP/"), bytes[5].isDigit, bytes[6] == UInt8(ascii: "."),
            bytes[7].isDigit
        else { throw .versionMalformed }
        guard bytes.equals("HTTP/1.0") else { throw .versionNotSupported }
        self = .http10
    }
}

/// The methods this gateway knows (RFC 9110 §9.1). Any other well-formed token, TRACE and CONNECT included, is answered 501:
/// TRACE echoes credentials back, and CONNECT would make a proxy of us.
package enum HTTPMethod: String, Sendable, CaseIterable {
    case get = "GET"
    case head = "HEAD"
    case post = "POST"
    case put = "PUT"
    case delete = "DELETE"
    case options = "OPTIONS"
    case patch = "PATCH"
}

extension HTTPMethod {
    /// Methods are case-sensitive: `get` is another, unknown method.
    init?(_ bytes: Span<UInt8>) {
        if bytes.equals("GET") {
            self = .get
        } else if bytes.equals("POST") {
            self = .post
        } else if bytes.equals("HEAD") {
            self = .head
        } else if bytes.equals("PUT") {
            self = .put
        } else if bytes.equals("DELETE") {
            self = .delete
        } else if bytes.equals("OPTIONS") {
            self = .options
        } else if bytes.equals("PATCH") {
            self = .patch
        } else {
            return nil
        }
    }

    /// A POST or PUT carries content by definition, so its length must be told (RFC 9110 §15.5.12 allows to insist).
    var needsLength: Bool { self == .post || self == .put }
}

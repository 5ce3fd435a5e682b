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
        guard let known = Self.allCases.first(where: { bytes.equals($0.rawValue) }) else { return nil }
        self = known
    }

    /// A POST or PUT carries content by definition, so its length must be told (RFC 9110 §15.5.12 allows to insist).
    var needsLength: Bool { self == .post || self == .put }
}

/// A request without its body: one copy of its bytes, and offsets into them. Valid by construction, only the parser makes one.
///
/// Flow: RequestParser → **RequestHead** → routes, WebSocket handshake
package struct RequestHead: Sendable {
    package let method: HTTPMethod
    /// Raw, up to the `?`: visible ASCII that starts with a slash, never percent-decoded.
    package let path: String
    /// Raw, after the `?`; nil when there is none.
    package let query: String?
    package let version: HTTPVersion
    /// nil when the request does not say.
    package let contentLength: Int?
    package let isChunked: Bool
    /// The client waits for `100 Continue` before it sends the body (RFC 9110 §10.1.1).
    /// Never true without a body to wait for, nor for HTTP/1.0.
    package let expectsContinue: Bool
    private let fields: FieldSection

    init(_ rules: RequestRules, _ fields: FieldSection) {
        method = rules.line.method
        path = fields.string(rules.line.path)
        query = rules.line.query.map(fields.string)
        version = rules.line.version
        contentLength = rules.framing.contentLength
        isChunked = rules.framing.isChunked
        expectsContinue = rules.expectsContinue && rules.framing.hasContent && rules.line.version == .http11
        self.fields = fields
    }

    /// A `.body` element follows.
    package var hasBody: Bool { isChunked || (contentLength ?? 0) > 0 }

    /// How many header fields there are.
    package var fieldCount: Int { fields.lines.count }

    /// Every value of that field in order, without white space around. Bytes that are not UTF-8 become U+FFFD.
    package func values(_ lowercasedName: String) -> [String] { fields.values(lowercasedName) }

    package func first(_ lowercasedName: String) -> String? { fields.first(lowercasedName) }

    package func contains(_ lowercasedName: String) -> Bool { fields.contains(lowercasedName) }

    /// Whether the field's comma-separated list holds the token, whatever the case.
    package func has(_ lowercasedName: String, token: String) -> Bool { fields.has(lowercasedName, token: token) }

    /// RFC 9112 §9.3. A 1.0 client gets one answer per connection.
    package var keepAlive: Bool { version == .http11 && !has("connection", token: "close") }

    /// The client offers to go on with WebSocket (RFC 6455 §4.1). Both fields are needed: `Upgrade` that `Connection` does not
    /// name is some intermediary's leftover (RFC 9110 §7.8).
    package var isUpgrade: Bool {
        version == .http11 && has("upgrade", token: "websocket") && has("connection", token: "upgrade")
    }
}

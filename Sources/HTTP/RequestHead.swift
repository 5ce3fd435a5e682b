/// A request without its body: one copy of its bytes, and offsets into them. Valid by construction, only the parser makes one.
///
/// Flow: RequestParser → **RequestHead** → routes, WebSocket handshake
package struct RequestHead: Sendable {
    package let method: HTTPMethod
    /// Raw, up to the `?`: visible ASCII that starts with a slash, never percent-decoded.
    package var path: String { fields.string(pathRange) }
    /// Raw, after the `?`; nil when there is none.
    package var query: String? { queryRange.map(fields.string) }
    package var hasQuery: Bool { queryRange != nil }
    package let version: HTTPVersion
    /// nil when the request does not say.
    package let contentLength: Int?
    package let isChunked: Bool
    /// The client waits for `100 Continue` before it sends the body (RFC 9110 §10.1.1).
    /// Never true without a body to wait for, nor for HTTP/1.0.
    package let expectsContinue: Bool
    private let fields: FieldSection
    private let pathRange: Range<Int>
    private let queryRange: Range<Int>?

    init(_ rules: RequestRules, _ fields: FieldSection) {
        method = rules.line.method
        pathRange = rules.line.path
        queryRange = rules.line.query
        version = rules.line.version
        contentLength = rules.framing.contentLength
        isChunked = rules.framing.isChunked
        expectsContinue = rules.expectsContinue && rules.framing.hasContent && rules.line.version == .http11
        self.fields = fields
    }

    /// The head's bytes around the digits of Content-Length, and around the value of a field that is another each time: for who compares heads to come
    /// with it.
    package struct AroundValues {
        /// Before the first value, between two, behind the last.
        package let pieces: [[UInt8]]
        package let digits: Int
        /// Nil where the field is not there.
        package let valueBytes: Int?
        /// Which of the two values comes first.
        package let isLengthFirst: Bool
    }

    /// nil where there is no Content-Length, or the head is longer than that.
    package func around(_ lowercasedName: StaticString, bytesMax: Int) -> AroundValues? {
        guard contentLength != nil, fields.bytes.count <= bytesMax, let length = fields.range("content-length") else { return nil }
        let value = fields.range(lowercasedName)
        let holes = [length, value].compactMap(\.self).sorted { $0.lowerBound < $1.lowerBound }
        var pieces: [[UInt8]] = []
        var start = 0
        for hole in holes {
            pieces.append(Array(fields.bytes[start..<hole.lowerBound]))
            start = hole.upperBound
        }
        pieces.append(Array(fields.bytes[start...]))
        return AroundValues(
            pieces: pieces, digits: length.count, valueBytes: value?.count,
            isLengthFirst: value.map { length.lowerBound < $0.lowerBound } ?? true)
    }

    /// A `.body` element follows.
    package var hasBody: Bool { isChunked || (contentLength ?? 0) > 0 }

    /// How many header fields there are.
    package var fieldCount: Int { fields.lines.count }

    /// Every value of that field in order, without white space around. Bytes that are not UTF-8 become U+FFFD.
    package func values(_ lowercasedName: StaticString) -> [String] { fields.values(lowercasedName) }

    package func first(_ lowercasedName: StaticString) -> String? { fields.first(lowercasedName) }

    /// Whether the first value's bytes satisfy the condition, for the hot path, which makes no Strings; nil when there is no such field. `count`: on how
    /// many lines it stands, for who lets it stand on one only.
    package func first(_ lowercasedName: StaticString, satisfies condition: (_ value: Span<UInt8>, _ count: Int) -> Bool) -> Bool? {
        fields.first(lowercasedName, satisfies: condition)
    }

    /// On how many lines the field stands.
    package func count(_ lowercasedName: StaticString) -> Int { fields.count(lowercasedName) }

    /// The bytes of ``path``.
    package func withPath(_ body: (Span<UInt8>) -> Void) { body(fields.bytes.span.extracting(pathRange)) }

    package func contains(_ lowercasedName: StaticString) -> Bool { fields.contains(lowercasedName) }

    /// Whether the field's comma-separated list holds the token, whatever the case.
    package func has(_ lowercasedName: StaticString, token lowercasedToken: StaticString) -> Bool {
        fields.has(lowercasedName, token: lowercasedToken)
    }

    /// RFC 9112 §9.3. A 1.0 client gets one answer per connection.
    package var keepAlive: Bool { version == .http11 && !has("connection", token: "close") }

    /// The client offers to go on with WebSocket (RFC 6455 §4.1). Both fields are needed: `Upgrade` that `Connection` does not
    /// name is some intermediary's leftover (RFC 9110 §7.8).
    package var isUpgrade: Bool {
        version == .http11 && has("upgrade", token: "websocket") && has("connection", token: "upgrade")
    }
}

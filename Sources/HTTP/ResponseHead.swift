/// A response without its body.
package struct ResponseHead: Sendable {
    package let status: UInt16
    package let version: HTTPVersion
    package let contentLength: Int?
    package let isChunked: Bool
    /// A `.body` element follows.
    package let hasBody: Bool
    private let fields: FieldSection

    init(_ rules: ResponseRules, _ fields: FieldSection, hasBody: Bool) {
        status = rules.status
        version = rules.version
        contentLength = rules.framing.contentLength
        isChunked = rules.framing.isChunked
        self.hasBody = hasBody
        self.fields = fields
    }

    /// 1xx other than 101: the answer itself is still to come (RFC 9110 §15.2).
    package var isInterim: Bool { status < 200 && status != 101 }

    package func values(_ lowercasedName: StaticString) -> [String] { fields.values(lowercasedName) }

    package func first(_ lowercasedName: StaticString) -> String? { fields.first(lowercasedName) }

    package func contains(_ lowercasedName: StaticString) -> Bool { fields.contains(lowercasedName) }

    package func has(_ lowercasedName: StaticString, token lowercasedToken: StaticString) -> Bool {
        fields.has(lowercasedName, token: lowercasedToken)
    }

    package var keepAlive: Bool { version == .http11 && !has("connection", token: "close") }
}

import Sessions

@testable import WebSocketGateway

/// Input: a token; also the JSON of its header and of its claims, each by itself, since few mutations of Base64 are JSON.
enum TokenTarget: FuzzTarget {
    static let name = "token"

    static func run(_ input: [UInt8]) {
        if let token = try? Token.parse(input.span) { requireParts(token, input) }
        let wrapped = "\(Base64URL.encode(input)).e30.AA"
        if wrapped.utf8.count <= Token.bytesMax, let token = try? Token.parse(wrapped.utf8.span) { requireHeader(token, input) }
        if let claims = try? TokenClaims(input.span, .init()) { requireClaims(claims, input) }
        if let bytes = Base64URL.decode(input.span) {
            requireEqual(Array(Base64URL.encode(bytes).utf8), input, "each sequence of bytes has one text")
        }
        requireEqual(Base64URL.decode(Base64URL.encode(input).utf8.span), input, "base64url reads back")
    }

    /// Written again from its parts it is the same token.
    private static func requireParts(_ token: Token, _ input: [UInt8]) {
        require(input.count <= Token.bytesMax, "what is too long is no token")
        require(!token.signature.isEmpty, "a token is signed")
        let pieces = input.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        require(pieces.count == 3, "a token has three parts")
        require(token.signedBytes == pieces[0].count + 1 + pieces[1].count, "what was signed is all before the last dot")
        requireEqual(Array(Base64URL.encode(token.payload).utf8), Array(pieces[1]), "the payload is the second part's")
        requireEqual(Array(Base64URL.encode(token.signature).utf8), Array(pieces[2]), "the signature is the third part's")
        guard let header = Base64URL.decode(Array(pieces[0]).span) else { fatalError("broken rule: a header is base64url") }
        requireHeader(token, header)
    }

    /// Whoever reads the header by another rule finds the same algorithm and key.
    private static func requireHeader(_ token: Token, _ header: [UInt8]) {
        guard let object = (try? JSON.parse(header.span))?.objectValue else { fatalError("broken rule: a header is an object") }
        for (name, value) in [("alg", token.algorithm), ("kid", token.keyID)] {
            let members = object.members.filter { $0.key == name }
            require(members.count == (value == nil ? 0 : 1), "\(name) stands once, or not at all")
            requireEqual(members.first?.value.stringValue, value, "\(name) is as another reader finds it")
        }
        require(object["crit"] == nil && object["b64"] == nil, "nothing that must be understood is let pass")
    }

    private static func requireClaims(_ claims: TokenClaims, _ payload: [UInt8]) {
        guard let object = (try? JSON.parse(payload.span))?.objectValue else { fatalError("broken rule: claims are an object") }
        requireEqual(
            (object["sub"] ?? object["userId"] ?? object["id"])?.stringValue, claims.identity.subject,
            "the subject is as another reader finds it")
        require((1...TokenClaims.subjectBytesMax).contains(claims.identity.subject.utf8.count), "a subject has 1 to 256 bytes")
        for now in [Int64.min / 4, 0, 1_800_000_000_000_000, Int64.max / 4] { _ = try? claims.check(now: now) }
    }
}

internal import Sessions

/// A token taken apart and not yet believed: a JWS in its compact form (RFC 7515 §7.1). Nothing of its claims is looked at before its signature is checked.
///
/// Flow: ClientRoutes → **Token** → TokenKeys → TokenClaims → Identity
struct Token {
    /// A longer one is not looked at.
    static let bytesMax = 8192

    let algorithm: String
    let keyID: String?
    /// What was signed is the token's first so many bytes.
    let signedBytes: Int
    let payload: [UInt8]
    let signature: [UInt8]

    static func parse(_ text: Span<UInt8>) throws(TokenFault) -> Token {
        guard !text.isEmpty, text.count <= bytesMax else { throw .malformed }
        let (first, second) = try dots(text)
        guard let header = Base64URL.decode(text.extracting(..<first)),
            let payload = Base64URL.decode(text.extracting((first + 1)..<second)),
            let signature = Base64URL.decode(text.extracting((second + 1)...)), !signature.isEmpty
        else { throw .malformed }
        let (algorithm, keyID) = try read(header.span)
        return Token(algorithm: algorithm, keyID: keyID, signedBytes: second, payload: payload, signature: signature)
    }

    /// Where the two dots are that separate three parts.
    private static func dots(_ text: Span<UInt8>) throws(TokenFault) -> (Int, Int) {
        var first: Int?
        var second: Int?
        for index in text.indices where text[index] == UInt8(ascii: ".") {
            if first == nil { first = index } else if second == nil { second = index } else { throw .malformed }
        }
        guard let first, let second else { throw .malformed }
        return (first, second)
    }

    private static func read(_ header: Span<UInt8>) throws(TokenFault) -> (algorithm: String, keyID: String?) {
        guard let header = StrictJSON.object(header), let algorithm = header["alg"]?.stringValue else { throw .malformed }
        // We understand no extension that must be understood, and `b64` is one (RFC 7797 §6).
        guard header["crit"] == nil, header["b64"] == nil else { throw .unsupported }
        // A token for another purpose is none for this one (RFC 8725 §3.11): access tokens say `at+jwt` (RFC 9068 §2.1), most say JWT.
        if let type = header["typ"] {
            guard let name = type.stringValue?.lowercased() else { throw .malformed }
            guard types.contains(name) else { throw .unsupported }
        }
        guard let keyID = header["kid"] else { return (algorithm, nil) }
        guard let text = keyID.stringValue else { throw .malformed }
        return (algorithm, text)
    }

    private static let types: Set<String> = ["jwt", "at+jwt", "application/jwt", "application/at+jwt"]
}

internal import OpenSSL
internal import Sessions

/// The keys that tokens may be signed with, and who must have issued them. Immutable: new keys are a new value.
///
/// Flow: Token → **TokenKeys** → TokenClaims
struct TokenKeys: Sendable {
    struct Entry: Sendable {
        /// Nil where the key has no name: it is tried whatever name a token gives.
        let id: String?
        let key: SignatureKey
    }

    /// Of more keys a token without a name would have to be tried with too many.
    static let countMax = 32

    let entries: [Entry]
    let expected: TokenClaims.Expected

    /// The token's claims, if one of the keys has signed it. The key decides the algorithm; what the token says of it must agree (RFC 8725 §3.1).
    func open(_ text: Span<UInt8>) throws(TokenFault) -> TokenClaims {
        let token = try Token.parse(text)
        let named = entries.filter { entry in
            guard let id = entry.id, let wanted = token.keyID else { return true }
            return id.utf8.elementsEqual(wanted.utf8)
        }
        guard !named.isEmpty else { throw .unknownKey }
        let suitable = named.filter { $0.key.algorithm.rawValue == token.algorithm }
        guard !suitable.isEmpty else { throw .algorithm }
        let signed = text.extracting(..<token.signedBytes)
        guard suitable.contains(where: { $0.key.verifies(token.signature.span, of: signed) }) else { throw .signature }
        return try TokenClaims(token.payload.span, expected)
    }
}

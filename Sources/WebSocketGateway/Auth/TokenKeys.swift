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

        /// Byte for byte, as tokens are held against it.
        func hasID(_ text: String) -> Bool { id?.utf8.elementsEqual(text.utf8) ?? false }
        func hasSameID(as other: Entry) -> Bool { other.id.map(hasID) ?? false }
    }

    /// Of more keys a token without a name would have to be tried with too many.
    static let countMax = 32

    let entries: [Entry]
    let expected: TokenClaims.Expected

    /// The token's claims, if one of the keys has signed it. The key decides the algorithm; what the token says of it must agree (RFC 8725 §3.1).
    func open(_ text: Span<UInt8>) throws(TokenFault) -> TokenClaims {
        let token = try Token.parse(text)
        let named = entries.filter { entry in
            guard entry.id != nil, let wanted = token.keyID else { return true }
            return entry.hasID(wanted)
        }
        guard !named.isEmpty else { throw .unknownKey }
        let suitable = named.filter { $0.key.algorithm.rawValue == token.algorithm }
        guard !suitable.isEmpty else { throw .algorithm }
        let signed = text.extracting(..<token.signedBytes)
        guard suitable.contains(where: { $0.key.verifies(token.signature.span, of: signed) }) else { throw .signature }
        return try TokenClaims(token.payload.span, expected)
    }
}

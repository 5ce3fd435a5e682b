internal import Sessions

/// What a token claims (RFC 7519 §4), once its signature is checked.
///
/// Flow: TokenKeys → **TokenClaims** → Identity
struct TokenClaims {
    static let subjectBytesMax = 256
    static let actionsMax = 256
    /// How far the issuer's clock may be from ours: 30 s, in microseconds.
    static let leeway: Int64 = 30_000_000

    /// Who must have issued a token, and for whom; nil where that is not asked.
    struct Expected: Sendable, Equatable {
        var issuer: String?
        var audience: String?

        /// Byte for byte, as claims are held against them.
        static func == (left: Expected, right: Expected) -> Bool {
            left.issuer.map { Array($0.utf8) } == right.issuer.map { Array($0.utf8) }
                && left.audience.map { Array($0.utf8) } == right.audience.map { Array($0.utf8) }
        }
    }

    let identity: Identity
    /// Microseconds since 1970; nil: always.
    private let notBefore: Int64?

    init(_ payload: Span<UInt8>, _ expected: Expected) throws(TokenFault) {
        guard let claims = StrictJSON.object(payload) else { throw .malformed }
        if let issuer = expected.issuer, !Self.isSame(claims["iss"], issuer) { throw .issuer }
        if let audience = expected.audience {
            // One, or a list with ours among them (RFC 7519 §4.1.3).
            let named = claims["aud"].map { $0.arrayValue ?? [$0] } ?? []
            guard named.contains(where: { Self.isSame($0, audience) }) else { throw .audience }
        }
        notBefore = try Self.time(claims["nbf"])
        _ = try Self.time(claims["iat"])
        identity = Identity(
            subject: try Self.subject(claims), sessions: try Self.sessions(claims["sessions"]),
            actions: try Self.actions(claims["actions"]),
            expiresAt: try Self.time(claims["exp"]))
    }

    /// `now` is microseconds since 1970.
    func check(now: Int64) throws(TokenFault) {
        if let notBefore, notBefore > now, notBefore - now > Self.leeway { throw .notYetValid }
        try Self.check(identity, now: now)
    }

    /// The one thing that changes about a token that was good.
    static func check(_ identity: Identity, now: Int64) throws(TokenFault) {
        if let end = identity.expiresAt, end <= now, now - end >= leeway { throw .expired }
    }

    private static func isSame(_ value: JSON?, _ text: String) -> Bool { value?.stringValue?.utf8.elementsEqual(text.utf8) ?? false }

    /// `sub`, else `userId`, else `id`: the first that is there must be one.
    private static func subject(_ claims: JSONObject) throws(TokenFault) -> String {
        guard let claim = claims["sub"] ?? claims["userId"] ?? claims["id"], let subject = claim.stringValue,
            (1...subjectBytesMax).contains(subject.utf8.count),
            // A control character, or what stands for half of a surrogate pair, is nobody's name.
            subject.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F && $0 != "\u{FFFD}" })
        else { throw .claims }
        return subject
    }

    private static func sessions(_ claim: JSON?) throws(TokenFault) -> SessionGrants {
        guard let claim else { return SessionGrants() }
        guard let grants = SessionGrants(claim) else { throw .claims }
        return grants
    }

    private static func actions(_ claim: JSON?) throws(TokenFault) -> Set<[UInt8]>? {
        guard let claim else { return nil }
        guard let entries = claim.arrayValue, entries.count <= actionsMax else { throw .claims }
        var actions: Set<[UInt8]> = []
        for entry in entries {
            guard let action = entry.stringValue, !action.isEmpty else { throw .claims }
            actions.insert(action.utf8.map { $0 &- UInt8(ascii: "A") < 26 ? $0 | 0x20 : $0 })
        }
        return actions
    }

    /// A NumericDate (RFC 7519 §2): seconds, with or without a fraction. What lies beyond 30,000 years is as good as never.
    private static func time(_ claim: JSON?) throws(TokenFault) -> Int64? {
        guard let claim else { return nil }
        guard let seconds = claim.doubleValue else { throw .claims }
        return Int64(max(-1e12, min(1e12, seconds)) * 1_000_000)
    }
}

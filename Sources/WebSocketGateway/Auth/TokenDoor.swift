internal import EventLoop

/// Where tokens are looked at: the keys of now (none where they are still to be fetched), and the tokens that were good, for all workers. The lock is held to look something up, never while a
/// signature is checked.
///
/// Flow: ClientRoutes → **TokenDoor** → Identity → JoinRequest
final class TokenDoor: Sendable {
    /// Otherwise none is looked at. New keys do not change it.
    let asksForTokens: Bool

    private let state: Locked<State>
    private let caches: Bool

    private struct State: Sendable {
        var keys: TokenKeys?
        var cache = TokenCache()
        /// Counts the changes of keys.
        var generation = 0
    }

    /// How many keys there are now.
    var keysCount: Int { state.withLock { $0.keys?.entries.count ?? 0 } }

    /// Tokens are asked for, and none can be judged: no key set was fetched yet.
    var lacksKeys: Bool { asksForTokens && keysCount == 0 }

    init(_ keys: TokenKeys?, caches: Bool = true) {
        asksForTokens = keys != nil
        self.caches = caches
        state = Locked(State(keys: keys))
    }

    /// New keys, from now on: what the old ones had found good counts no more.
    func replace(_ keys: TokenKeys) {
        state.withLock { $0 = State(keys: keys, generation: $0.generation + 1) }
    }

    /// Other keys, of whom as much is expected as before: only ``expect(_:)`` changes that, whatever was under way meanwhile.
    func replace(entries: [TokenKeys.Entry]) {
        state.withLock { state in
            let expected = state.keys?.expected ?? TokenClaims.Expected()
            state = State(keys: TokenKeys(entries: entries, expected: expected), generation: state.generation + 1)
        }
    }

    /// The keys stay; who must have issued tokens, and for whom, is another from now on.
    func expect(_ expected: TokenClaims.Expected) {
        state.withLock { state in
            guard let keys = state.keys, keys.expected != expected else { return }
            state = State(keys: TokenKeys(entries: keys.entries, expected: expected), generation: state.generation + 1)
        }
    }

    /// Who the token's bearer is. `mayLook` is asked before a signature is checked, which is work, and may be guessing.
    /// `now` is microseconds since 1970.
    func identify(_ token: Span<UInt8>, now: Int64, mayLook: () -> Bool = { true }) throws(TokenFault) -> Identity {
        guard asksForTokens else { throw .missing }
        guard token.count <= Token.bytesMax else { throw .malformed }
        let digest = caches ? TokenCache.Digest(token) : nil
        let (keys, known, generation) = state.withLock { state in
            (state.keys, digest.flatMap { state.cache.find($0) }, state.generation)
        }
        if let known {
            try known.check(now: now)
            return known.identity
        }
        guard let keys, !keys.entries.isEmpty else { throw .noKeys }
        guard mayLook() else { throw .rate }
        let claims = try keys.open(token)
        try claims.check(now: now)
        if let digest {
            // Keys that were taken back meanwhile must not have the last word.
            state.withLock { if $0.generation == generation { $0.cache.insert(claims, digest) } }
        }
        return claims.identity
    }
}

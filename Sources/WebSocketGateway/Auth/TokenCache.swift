internal import OpenSSL

/// Tokens that were found good, by their digest: who comes back with one is known without its signature being checked again. The tokens themselves are not
/// kept.
///
/// Bounded: entries live in two generations. When the younger is full it becomes the older, and what was in that and not used since is forgotten.
struct TokenCache {
    /// Of each generation.
    static let countMax = 1024

    /// SHA-256, so that nobody can make a token that is taken for another's.
    struct Digest: Hashable {
        private let bytes: [UInt8]

        init(_ token: Span<UInt8>) { bytes = SHA256.digest(token) }
    }

    private var recent: [Digest: TokenClaims] = [:]
    private var older: [Digest: TokenClaims] = [:]

    mutating func find(_ digest: Digest) -> TokenClaims? {
        if let found = recent[digest] { return found }
        guard let found = older[digest] else { return nil }
        insert(found, digest)
        return found
    }

    mutating func insert(_ claims: TokenClaims, _ digest: Digest) {
        if recent.count >= Self.countMax {
            older = recent
            recent = Dictionary(minimumCapacity: Self.countMax)
        }
        recent[digest] = claims
    }

    var count: Int { recent.count + older.count }
}

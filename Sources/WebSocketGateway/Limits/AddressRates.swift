internal import EventLoop

/// What each address has left of an allowance: of new connections, of failures.
///
/// Bounded: addresses live in two generations. When the older is no longer needed (whoever was not seen since has a full bucket again), or the
/// younger is full, the older is forgotten and the younger takes its place. Whoever floods the table with addresses makes it forget sooner;
/// the limits on connections hold all the same.
struct AddressRates {
    static let addressesMax = 32_768

    private var recent: [SocketAddress: TokenBucket] = [:]
    private var older: [SocketAddress: TokenBucket] = [:]
    private var turnsAt: UInt64 = 0

    /// How many milliseconds the address should wait; 0: it need not. Uses nothing.
    func wait(_ address: SocketAddress, now: UInt64, _ limit: RateLimit) -> UInt64 {
        guard var bucket = recent[address] ?? older[address] else { return 0 }
        bucket.rateChanged(now: now, limit)
        return bucket.wait(now: now, limit)
    }

    /// 0 when the address may connect, which uses one of its allowance; otherwise how many milliseconds it should wait.
    mutating func arrive(_ address: SocketAddress, now: UInt64, _ limit: RateLimit) -> UInt64 {
        if now >= turnsAt || recent.count >= Self.addressesMax {
            older = recent
            recent = [:]
            turnsAt = now + max(1000, limit.fillMilliseconds)
        }
        var bucket = recent[address] ?? older[address] ?? TokenBucket()
        bucket.rateChanged(now: now, limit)
        let isAllowed = bucket.take(now: now, limit)
        recent[address] = bucket
        return isAllowed ? 0 : bucket.wait(now: now, limit)
    }

    var count: Int { recent.count + older.count }
}

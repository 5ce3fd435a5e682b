/// So many in a time, and after a pause so many at once.
struct RateLimit: Sendable, Equatable {
    /// 1 to 1,000,000,000.
    let count: UInt64
    /// 1 to 1,000,000,000.
    let burst: UInt64
    private let periodNanoseconds: UInt64
    /// Divisions that each message would make again.
    private let oneNanoseconds: UInt64
    fileprivate let burstNanoseconds: UInt64

    /// So many a second.
    init(perSecond: UInt64, burst: UInt64) { self.init(perSecond, burst: burst, per: 1_000_000_000) }

    /// So many a minute, and as many at once.
    init(perMinute: UInt64) { self.init(perMinute, burst: perMinute, per: 60_000_000_000) }

    private init(_ count: UInt64, burst: UInt64, per periodNanoseconds: UInt64) {
        (self.count, self.burst, self.periodNanoseconds) = (count, burst, periodNanoseconds)
        oneNanoseconds = Self.nanoseconds(1, count, periodNanoseconds)
        burstNanoseconds = Self.nanoseconds(burst, count, periodNanoseconds)
    }

    /// What the bucket of one message, address or key costs in nanoseconds of refilling. No overflow: a count times its period is at most 10^18.
    private static func nanoseconds(_ taken: UInt64, _ count: UInt64, _ periodNanoseconds: UInt64) -> UInt64 {
        min(taken, 1_000_000_000_000_000_000 / periodNanoseconds) * periodNanoseconds / count
    }

    fileprivate func nanoseconds(_ taken: UInt64) -> UInt64 {
        taken == 1 ? oneNanoseconds : Self.nanoseconds(taken, count, periodNanoseconds)
    }

    /// How long an empty bucket takes to be full again.
    var fillMilliseconds: UInt64 { burstNanoseconds / 1_000_000 }
}

/// What is left of one allowance under a ``RateLimit``: a token bucket that keeps only when it will be full again (the generic cell rate
/// algorithm), so that nothing needs to be refilled, and an allowance never used is all zeros. 8 bytes. Times are the loop's milliseconds.
struct TokenBucket: Sendable {
    private var fullAtNanoseconds: UInt64 = 0

    /// Takes `count` if they are there, or nothing.
    mutating func take(_ count: Int = 1, now: UInt64, _ limit: RateLimit) -> Bool {
        let taken = filled(after: count, now, limit)
        guard taken <= now * 1_000_000 + limit.burstNanoseconds else { return false }
        fullAtNanoseconds = taken
        return true
    }

    /// Takes `count` whether they are there or not: for work whose size is known only once it is done. Later ones wait for it.
    mutating func charge(_ count: Int, now: UInt64, _ limit: RateLimit) { fullAtNanoseconds = filled(after: count, now, limit) }

    /// The rate may have been another one until now: the bucket is empty at the most. Under one rate this changes nothing, but for what was charged.
    mutating func rateChanged(now: UInt64, _ limit: RateLimit) {
        fullAtNanoseconds = min(fullAtNanoseconds, now * 1_000_000 + limit.nanoseconds(limit.burst))
    }

    /// How many milliseconds until `count` can be taken, if nobody else takes any; 0 when they are there.
    func wait(for count: Int = 1, now: UInt64, _ limit: RateLimit) -> UInt64 {
        let (end, ready) = (now * 1_000_000 + limit.burstNanoseconds, filled(after: count, now, limit))
        return ready <= end ? 0 : (ready - end - 1) / 1_000_000 + 1
    }

    private func filled(after count: Int, _ now: UInt64, _ limit: RateLimit) -> UInt64 {
        let (sum, isOver) = max(fullAtNanoseconds, now * 1_000_000).addingReportingOverflow(limit.nanoseconds(UInt64(clamping: count)))
        return isOver ? .max : sum
    }
}

/// When the key set is fetched next. Times are milliseconds of one clock that never goes back; it has no other.
///
/// At once, then every refresh interval. After a failure after 1 s, 2 s, 4 s, at the most 30 s. For tokens with an unknown `kid` at once, and once in an
/// interval however many there are: one that comes too early is not forgotten, it has its fetch when the interval is over.
struct KeySetSchedule {
    static let retryMin: UInt64 = 1000
    static let retryMax: UInt64 = 30_000

    private var refreshInterval: UInt64
    private var unknownKeyInterval: UInt64
    private var refreshAt: UInt64 = 0
    private var failures: UInt64 = 0
    private var hasUnknownKey = false
    /// The next fetch for an unknown key is not before it.
    private var unknownKeyAt: UInt64 = 0

    init(refreshInterval: UInt64, unknownKeyInterval: UInt64) {
        self.refreshInterval = refreshInterval
        self.unknownKeyInterval = unknownKeyInterval
    }

    /// A token named a key that is not there.
    mutating func noteUnknownKey() { hasUnknownKey = true }

    /// An operator wants it, now, and at these intervals from then on.
    mutating func refresh(refreshInterval: UInt64, unknownKeyInterval: UInt64) {
        if unknownKeyInterval != self.unknownKeyInterval { unknownKeyAt = 0 }
        (self.refreshInterval, self.unknownKeyInterval) = (refreshInterval, unknownKeyInterval)
        refreshAt = 0
    }

    /// So many milliseconds are too early; 0: fetch.
    func wait(now: UInt64) -> UInt64 {
        let due = hasUnknownKey ? min(refreshAt, unknownKeyAt) : refreshAt
        return due > now ? due - now : 0
    }

    mutating func begin(now: UInt64) {
        // Whatever a fetch is for, it looks for the unknown key as well.
        if hasUnknownKey, now >= unknownKeyAt { unknownKeyAt = now + unknownKeyInterval }
        hasUnknownKey = false
        // A fetch that is not told how it ended is not repeated at once.
        refreshAt = now + refreshInterval
    }

    mutating func end(now: UInt64, hasKeys: Bool) {
        guard !hasKeys else {
            failures = 0
            refreshAt = now + refreshInterval
            return
        }
        refreshAt = now + min(refreshInterval, min(Self.retryMax, Self.retryMin << min(failures, 5)))
        failures += 1
    }
}

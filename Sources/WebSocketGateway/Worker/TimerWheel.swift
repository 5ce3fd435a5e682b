/// Deadlines of many connections in constant time each: buckets of one tick, walked as time passes. A deadline beyond the last bucket waits
/// in its place for another round.
///
/// Deadlines are never removed: whoever is called asks itself whether this is still the one it waits for.
struct TimerWheel {
    struct Entry {
        let connection: ConnectionRef
        let at: UInt64
    }

    /// The resolution in milliseconds; a deadline is met up to one tick late, never early.
    static let tick: UInt64 = 20
    private static let size: UInt64 = 2048

    private var buckets: ContiguousArray<[Entry]> = ContiguousArray(repeating: [], count: Int(size))
    /// The first tick not yet walked.
    private var next: UInt64
    private(set) var count = 0

    init(now: UInt64) { next = now / Self.tick }

    mutating func schedule(_ connection: ConnectionRef, at: UInt64) {
        let due = Swift.max(next, (at + Self.tick - 1) / Self.tick)
        buckets[Int(due % Self.size)].append(Entry(connection: connection, at: at))
        count += 1
    }

    /// When the next bucket with anything in it comes up, looking at most a second ahead; nil when that second is empty.
    func nextDue(after now: UInt64) -> UInt64? {
        guard count > 0 else { return nil }
        for tick in next..<(next + 1000 / Self.tick) where !buckets[Int(tick % Self.size)].isEmpty { return tick * Self.tick }
        return nil
    }

    /// Everything due by `now`, and time moves on.
    mutating func advance(to now: UInt64) -> [Entry] {
        let last = now / Self.tick
        var due: [Entry] = []
        guard last >= next else { return due }
        // A loop that stood still for longer than a round sees each bucket once.
        let ticks = Swift.min(last - next + 1, Self.size)
        var tick = last + 1 - ticks
        while tick <= last {
            defer { tick += 1 }
            let bucket = Int(tick % Self.size)
            guard !buckets[bucket].isEmpty else { continue }
            var kept: [Entry] = []
            for entry in buckets[bucket] {
                if entry.at <= now { due.append(entry) } else { kept.append(entry) }
            }
            buckets[bucket] = kept
        }
        next = last + 1
        count -= due.count
        return due
    }
}

/// Holds one client to its rates: messages and control frames a second, their bytes a second, and patience for what goes beyond.
///
/// Flow: MessageReader → **MessageMeter** → ClientConnection
struct MessageMeter {
    struct Limits: Sendable, Equatable {
        let messages: RateLimit
        /// Of payloads as sent, and again by what they inflate to.
        let bytes: RateLimit
        /// So many over the rate within ``excessMilliseconds`` end the connection.
        let excessMax: Int
    }

    enum Verdict: Equatable {
        case allowed
        /// Over the rate. `isFirst`: nothing else was within this second; the client is told once, not a thousand times.
        case excess(Excess, isFirst: Bool)
        /// It was told and goes on: the connection ends.
        case flood(Excess)
    }

    /// The rate that was exceeded.
    enum Excess: String, CaseIterable {
        case messages
        case messageBytes = "message_bytes"
    }

    static let excessMilliseconds: UInt64 = 10_000
    private static let tellMilliseconds: UInt64 = 1000

    private var messages = TokenBucket()
    private var bytes = TokenBucket()
    private var excessSince: UInt64 = 0
    private var toldAt: UInt64 = 0
    private var excess: UInt32 = 0

    /// Judges a message or control frame of `count` payload bytes.
    mutating func receive(bytes count: Int, now: UInt64, _ limits: Limits) -> Verdict {
        guard messages.take(now: now, limits.messages) else { return exceeded(.messages, now, limits) }
        guard bytes.take(count, now: now, limits.bytes) else { return exceeded(.messageBytes, now, limits) }
        return .allowed
    }

    /// A message turned out to be larger than it was sent.
    mutating func inflated(by count: Int, now: UInt64, _ limits: Limits) {
        if count > 0 { bytes.charge(count, now: now, limits.bytes) }
    }

    /// Other rates are in force: what was used of the old ones is worth at most a whole allowance of the new.
    mutating func limitsChanged(now: UInt64, _ limits: Limits) {
        messages.rateChanged(now: now, limits.messages)
        bytes.rateChanged(now: now, limits.bytes)
    }

    private mutating func exceeded(_ rate: Excess, _ now: UInt64, _ limits: Limits) -> Verdict {
        if excess == 0 || now >= excessSince + Self.excessMilliseconds { (excessSince, excess) = (now, 0) }
        excess += 1
        guard excess < limits.excessMax else { return .flood(rate) }
        let isFirst = toldAt == 0 || now >= toldAt + Self.tellMilliseconds
        if isFirst { toldAt = now }
        return .excess(rate, isFirst: isFirst)
    }
}

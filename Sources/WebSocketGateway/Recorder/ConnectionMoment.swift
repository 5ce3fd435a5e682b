public import Sessions

/// Something noteworthy that happened to a connection, once or again and again: what became of it is told in one.
public struct ConnectionMoment: Sendable, Equatable {
    /// Of a moment that came again, bytes and times are the largest, counts of events are sums, and ids those of the newest.
    public enum What: Sendable, Equatable {
        /// Its socket did not take everything, and so many bytes began to wait.
        case lagged(queuedBytes: Int)
        /// The write queue was full, holding so many bytes: what follows the event `after` (nil: the stream's beginning) comes from the history.
        case fellBehind(after: EventID?, queuedBytes: Int)
        /// It had everything that was published, after so many milliseconds and so many events from the history.
        case caughtUp(milliseconds: UInt64, events: UInt64)
        /// Policy left so many events out, of these types: at most ``typesMax``.
        case conflated(events: UInt64, types: [String])
        /// Events were kept no more when its turn came: the ranges' ends, and how many they were.
        case lost(first: EventID, last: EventID, events: UInt64)
        /// Messages of its own came too fast and were not looked at; ``ConnectionMoment/count`` says how many.
        case rateLimited
        /// A ping's round trip took ``slowRoundTripMilliseconds`` or more.
        case slowPing(milliseconds: Double)

        public static let typesMax = 16
        public static let slowRoundTripMilliseconds = 1000.0
    }

    public private(set) var what: What
    /// How often, 1 or more.
    public private(set) var count: UInt64 = 1
    public let firstAt: Timestamp
    public private(set) var lastAt: Timestamp

    init(_ what: What, at time: Timestamp) {
        self.what = what
        (firstAt, lastAt) = (time, time)
    }

    /// The same again; what it is must be of the same kind.
    mutating func merge(_ newer: What, at time: Timestamp) {
        what = what.merged(with: newer)
        count += 1
        lastAt = max(lastAt, time)
    }
}

extension ConnectionMoment.What {
    /// As it is written in JSON, and what tells whether two are of one kind.
    var name: String {
        switch self {
        case .lagged: "lagged"
        case .fellBehind: "fell_behind"
        case .caughtUp: "caught_up"
        case .conflated: "conflated"
        case .lost: "lost"
        case .rateLimited: "rate_limited"
        case .slowPing: "slow_ping"
        }
    }

    fileprivate func merged(with newer: Self) -> Self {
        switch (self, newer) {
        case (.lagged(let a), .lagged(let b)): .lagged(queuedBytes: max(a, b))
        case (.fellBehind(_, let a), .fellBehind(let after, let b)): .fellBehind(after: after, queuedBytes: max(a, b))
        case (.caughtUp(let a, let m), .caughtUp(let b, let n)): .caughtUp(milliseconds: max(a, b), events: m &+ n)
        case (.conflated(let m, let a), .conflated(let n, let b)): .conflated(events: m &+ n, types: Self.union(a, b))
        case (.lost(_, _, let m), .lost(let first, let last, let n)): .lost(first: first, last: last, events: m &+ n)
        case (.slowPing(let a), .slowPing(let b)): .slowPing(milliseconds: max(a, b))
        default: newer
        }
    }

    private static func union(_ a: [String], _ b: [String]) -> [String] {
        var types = a
        for type in b where types.count < typesMax && !types.contains(type) { types.append(type) }
        return types
    }

    fileprivate var numbers: JSONObject {
        switch self {
        case .lagged(let bytes): ["queued_bytes": .int(Int64(bytes))]
        case .fellBehind(let after, let bytes): ["after_id": .id(after), "queued_bytes": .int(Int64(bytes))]
        case .caughtUp(let milliseconds, let events):
            ["duration_ms": .int(Int64(clamping: milliseconds)), "events": .int(Int64(clamping: events))]
        case .conflated(let events, let types): ["events": .int(Int64(clamping: events)), "types": .array(types.map { .string($0) })]
        case .lost(let first, let last, let events):
            ["first_id": .id(first), "last_id": .id(last), "events": .int(Int64(clamping: events))]
        case .rateLimited: [:]
        case .slowPing(let milliseconds): ["rtt_ms": .double(milliseconds)]
        }
    }
}

extension ConnectionMoment {
    var json: JSON {
        var object: JSONObject = [
            "moment": .string(what.name), "at": .string(firstAt.iso8601), "last_at": .string(lastAt.iso8601),
            "count": .int(Int64(clamping: count)),
        ]
        for (name, value) in what.numbers.members { object[name] = value }
        return .object(object)
    }
}

extension JSON {
    /// An id, or null.
    static func id(_ id: EventID?) -> JSON { id.map { .string($0.description) } ?? .null }
}

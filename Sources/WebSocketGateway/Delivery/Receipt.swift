public import Sessions

/// What a publish did, true when it is written: over all workers, after their sends.
///
/// For several events the counts are sums over the events.
public struct PublishReceipt: Sendable, Equatable {
    /// The ids of the first and the last event.
    public let firstID: EventID
    public let lastID: EventID
    /// How many events were published.
    public let count: Int
    /// Connections the events were meant for.
    public let connections: Int
    /// Taken whole by the kernel.
    public let sent: Int
    /// Waiting for a slow connection, in its queue or in the history.
    public let queued: Int
    /// Left out of a slow connection's queue for a newer event that was handed out together with it: of this publish, or one of the same turn. What
    /// leaves later was queued.
    public let conflated: Int
    /// Not delivered: the connection broke or was closed as too slow.
    public let dropped: Int
}

/// What a broadcast to every connection did: counts as of a ``PublishReceipt``.
public struct BroadcastReceipt: Sendable, Equatable {
    /// Sessions whose streams the event entered.
    public let sessions: Int
    public let connections: Int
    public let sent: Int
    public let queued: Int
    public let conflated: Int
    public let dropped: Int
    /// Why sessions beyond ``sessions`` did not get it; nil where all did.
    public let refusal: PublishRefusal?

    init(
        sessions: Int, connections: Int, sent: Int, queued: Int, conflated: Int = 0, dropped: Int = 0, refusal: PublishRefusal? = nil
    ) {
        self.sessions = sessions
        self.connections = connections
        self.sent = sent
        self.queued = queued
        self.conflated = conflated
        self.dropped = dropped
        self.refusal = refusal
    }

    static let nothing = BroadcastReceipt(sessions: 0, connections: 0, sent: 0, queued: 0)

    static func refused(_ refusal: PublishRefusal) -> BroadcastReceipt {
        BroadcastReceipt(sessions: 0, connections: 0, sent: 0, queued: 0, refusal: refusal)
    }

    /// No session has it, and none will.
    var isNothing: Bool {
        if case .storeFailed = refusal { return false }
        return refusal != nil && sessions == 0
    }

    /// What else another worker did of it.
    static func += (total: inout BroadcastReceipt, part: BroadcastReceipt) {
        total = BroadcastReceipt(
            sessions: total.sessions + part.sessions, connections: total.connections + part.connections, sent: total.sent + part.sent,
            queued: total.queued + part.queued, conflated: total.conflated + part.conflated, dropped: total.dropped + part.dropped,
            refusal: total.refusal ?? part.refusal)
    }
}

/// Why a publish was refused; nothing of it was published.
public enum PublishRefusal: Error, Sendable, Equatable, CustomStringConvertible {
    /// The gateway knows as many sessions as it may.
    case tooManySessions
    /// The gateway has stopped.
    case gatewayStopped
    /// The store has no room. Nothing was published.
    case storeFull(String)
    /// The store cannot be written any more. Whether the events are kept shows after a restart.
    case storeFailed(String)
    /// The same `Idempotency-Key` was used with another body.
    case keyReused

    public var description: String {
        if case .storeFailed = self { return "\(reason); whether this was published shows after a restart" }
        return "\(reason); nothing was published"
    }

    var reason: String {
        switch self {
        case .tooManySessions: "the gateway knows as many sessions as it may"
        case .gatewayStopped: "the gateway has stopped"
        case .storeFull(let reason): "the store has no room (\(reason))"
        case .storeFailed(let reason): "the store failed (\(reason))"
        case .keyReused: "this idempotency key was used with another body"
        }
    }
}

/// Who waits for a publish's outcome.
enum ReplyTo: Sendable {
    /// An engine's HTTP request: the answer belongs in place `number` of the connection's pipeline.
    case request(worker: Int, connection: ConnectionRef, number: UInt64)
    case publishCall(@Sendable (Result<PublishReceipt, PublishRefusal>) -> Void)
    /// Only checked so far.
    case nobody
    case broadcastCall(@Sendable (BroadcastReceipt) -> Void)

    /// Tells a waiting call that the gateway has stopped. A request's connection is cut anyway.
    func resumeStopped() {
        switch self {
        case .publishCall(let call): call(.failure(.gatewayStopped))
        case .broadcastCall(let call): call(.refused(.gatewayStopped))
        case .request, .nobody: break
        }
    }
}

/// Who waits for what becomes of a batch's events.
enum BatchWaiter {
    /// A publish of these events, and perhaps of others.
    case receipt(Receipt, events: Range<Int>)
    /// A publish of this event alone, asked for by a connection of the home's worker, which waits for nothing else.
    case single(ConnectionRef, number: UInt64, EventID, index: Int)
}

/// A publish whose counts are still being gathered. Lives at the session's home.
final class Receipt {
    let reply: ReplyTo
    /// Answered as soon as the events have their ids (`receipt=none`).
    let answersEarly: Bool
    var firstID: EventID?
    var lastID: EventID?
    var count = 0
    var totals = EventCounts()
    var sessions = 0
    /// The publish's key, and the session that remembers it; nil: a broadcast, which each session remembers with its event.
    var key: (key: PublishKey, home: HomeSession?)?
    /// How long its answer may wait for connections of that session that are behind.
    var wait: (milliseconds: UInt64, home: HomeSession)?
    /// Why nothing of it was published.
    var refusal: PublishRefusal?
    /// Batches not yet delivered everywhere, plus one while events are still being added.
    var outstanding = 1

    init(_ reply: ReplyTo, answersEarly: Bool = false) {
        self.reply = reply
        self.answersEarly = answersEarly
    }

    var receipt: PublishReceipt? {
        guard let firstID, let lastID else { return nil }
        return PublishReceipt(
            firstID: firstID, lastID: lastID, count: count, connections: totals.connections, sent: totals.sent,
            queued: totals.queued + totals.behind, conflated: totals.conflated, dropped: totals.dropped)
    }

    var broadcastReceipt: BroadcastReceipt {
        BroadcastReceipt(
            sessions: sessions, connections: totals.connections, sent: totals.sent,
            queued: totals.queued + totals.behind, conflated: totals.conflated, dropped: totals.dropped, refusal: refusal)
    }
}

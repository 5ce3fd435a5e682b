/// When a client connection was heard, and what is due when. Times are the loop's milliseconds; nothing here reads a clock.
struct ConnectionClock {
    /// The time-outs that concern an open connection, in milliseconds; nil: never.
    struct Limits: Sendable, Equatable {
        let stale: UInt64?
        let write: UInt64
        let message: UInt64
    }

    enum Due: Equatable {
        /// Not heard for the stale time-out.
        case stale
        /// What waits for the socket has not become less for the write time-out.
        case noProgress
        /// A message was begun and not finished.
        case messageUnfinished
        case heartbeat
        /// A pong is owed that was put off.
        case pong
        /// Its token or its time is over.
        case departure
    }

    private(set) var lastHeard: UInt64
    /// Nil where no heartbeats are sent.
    @OneWord var nextHeartbeat: UInt64?
    /// When the outbox last got shorter, or began; nil while it is empty.
    @OneWord var lastProgress: UInt64?
    /// When the pong that was put off is due.
    @OneWord var pongDue: UInt64?
    /// When it must have left; nil: it may stay.
    @OneWord var departure: UInt64?
    /// When the unfinished message began.
    @OneWord private(set) var messageStarted: UInt64?

    init(now: UInt64, firstHeartbeat: UInt64?) {
        lastHeard = now
        nextHeartbeat = firstHeartbeat
    }

    mutating func heard(now: UInt64) { lastHeard = now }

    /// Notes whether a message is unfinished after a read. True when one has just begun: its deadline is new.
    mutating func noteMessage(isUnfinished: Bool, now: UInt64) -> Bool {
        guard isUnfinished else {
            messageStarted = nil
            return false
        }
        guard messageStarted == nil else { return false }
        messageStarted = now
        return true
    }

    /// A message is whole; one that begins in the same read has its own time.
    mutating func messageEnded() { messageStarted = nil }

    /// Other time-outs are in force: what is under way has the new ones from now on, and a heartbeat comes by `heartbeatBy` at the latest.
    mutating func limitsChanged(now: UInt64, heartbeatBy: UInt64) {
        lastHeard = now
        if lastProgress != nil { lastProgress = now }
        if messageStarted != nil { messageStarted = now }
        if let nextHeartbeat { self.nextHeartbeat = min(nextHeartbeat, heartbeatBy) }
    }

    /// How long the peer has been silent.
    func silence(now: UInt64) -> UInt64 { now > lastHeard ? now - lastHeard : 0 }

    func due(now: UInt64, _ limits: Limits) -> Due? {
        if let stale = limits.stale, now >= lastHeard + stale { return .stale }
        if let lastProgress, now >= lastProgress + limits.write { return .noProgress }
        if let departure, now >= departure { return .departure }
        if let messageStarted, now >= messageStarted + limits.message { return .messageUnfinished }
        if let pongDue, now >= pongDue { return .pong }
        if let nextHeartbeat, now >= nextHeartbeat { return .heartbeat }
        return nil
    }

    /// When ``due(now:_:)`` will next have something to say.
    func next(_ limits: Limits) -> UInt64? {
        var next = UInt64.max
        if let stale = limits.stale { next = lastHeard + stale }
        if let lastProgress { next = min(next, lastProgress + limits.write) }
        if let messageStarted { next = min(next, messageStarted + limits.message) }
        if let nextHeartbeat { next = min(next, nextHeartbeat) }
        if let pongDue { next = min(next, pongDue) }
        if let departure { next = min(next, departure) }
        return next == .max ? nil : next
    }
}

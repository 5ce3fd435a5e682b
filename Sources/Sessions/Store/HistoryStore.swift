/// Where the history is kept beyond the process: sessions, their events, what engines said of them, and the keys of their publishes.
///
/// One thread owns a store and makes every call. Nothing is lost or half-done: ``commit(_:)`` does all it is asked to, or none of it.
///
/// Flow: SessionHome → StoreChange → **HistoryStore** → StoredEvent → HistoryPage
package protocol HistoryStore: AnyObject {
    /// Everything that was committed before, events excepted. Asked once, first.
    func load() throws(StoreError) -> StoredState

    /// Does the changes, in their order, as one transaction. When it returns they survive what the durability promises.
    ///
    /// After ``StoreError/full(_:)`` nothing was changed, and a later commit may succeed. After ``StoreError/failed(_:)`` it is not known whether the
    /// changes are kept, and every later call throws the same.
    /// - Returns: the sessions that lost their oldest events to the limits for it.
    func commit(_ changes: [StoreChange]) throws(StoreError) -> [StoredRange]

    /// Drops events and keys published before these times, what a session's own ``HistoryLimits/retention`` does not keep `now`, and what is left of
    /// deleted sessions: as much as takes a few milliseconds.
    /// - Returns: the sessions that lost events.
    func expire(now: Timestamp, eventsBefore events: Timestamp, keysBefore keys: Timestamp) throws(StoreError) -> [StoredRange]

    /// Drops events of sessions whose limits were lowered, as much as takes a few milliseconds.
    /// - Returns: the sessions that lost events.
    func trim() throws(StoreError) -> [StoredRange]

    /// Whether ``expire(now:eventsBefore:keysBefore:)`` or ``trim()`` has something left to do: a piece of it with each call.
    var hasMoreToDrop: Bool { get }

    /// The session's events behind `sequence`, in order: at most `eventsMax`, and at most `bytesMax` bytes of them but always one. Empty where it has none.
    func read(_ session: SessionID, after sequence: UInt64, eventsMax: Int, bytesMax: Int) throws(StoreError) -> [StoredEvent]

    /// What it takes on disk, in bytes.
    var bytes: Int { get }

    /// Ends it. What was committed is there at the next start. Only after a `clean` end does ``StoredState/wasClosed`` say so: nothing that anybody saw
    /// is missing.
    func close(clean: Bool)
}

/// What survives the process's end.
public enum Durability: String, Sendable, CaseIterable {
    /// Nothing does.
    case memory
    /// What was committed before a clean end. Events are delivered at once and committed soon; after an unclean end each session goes on in a new epoch.
    case relaxed
    /// Every event that was acknowledged or delivered: both happen after the commit.
    case commit
}

/// Why a store cannot do what it was asked.
package enum StoreError: Error, Sendable, Equatable, CustomStringConvertible {
    /// There is no room; nothing was changed.
    case full(String)
    /// The store cannot be trusted any more: a write or a sync failed, or the file is damaged. Told once, never retried.
    case failed(String)

    package var description: String {
        switch self {
        case .full(let reason), .failed(let reason): reason
        }
    }
}

/// One change to what is kept.
package enum StoreChange: Sendable {
    /// The session's stream begins, or goes on, in this epoch. Comes before its first event.
    case begin(SessionID, Epoch)
    /// What an engine said of the session, as a JSON object; nil: nothing. ``HistoryLimits`` in it count from now on.
    case register(SessionID, [UInt8]?)
    /// The stream's next events, without a gap behind those before.
    case append(SessionID, [StoredEvent])
    /// A publish that must not be done twice. In the transaction of its events.
    case key(SessionID, StoredKey)
    /// A broadcast that must not be done twice, and that every session has.
    case broadcast(StoredKey)
    /// The session is over: everything of it goes.
    case delete(SessionID)
}

/// One event as it was published, with its place.
package struct StoredEvent: Sendable, Equatable {
    package let sequence: UInt64
    /// When the gateway gave it its place; the event's own time where the engine sent none.
    package let publishedAt: Timestamp
    /// Where ``event``'s ranges point to.
    package let body: [UInt8]
    package let event: PublishedEvent

    package init(sequence: UInt64, publishedAt: Timestamp, body: [UInt8], event: PublishedEvent) {
        self.sequence = sequence
        self.publishedAt = publishedAt
        self.body = body
        self.event = event
    }
}

/// What a session has kept of its stream: the sequences from `oldest` to `newest`; none where `oldest` is `newest` + 1.
package struct StoredRange: Sendable, Equatable {
    package let session: SessionID
    package let oldest: UInt64
    package let newest: UInt64

    package init(session: SessionID, oldest: UInt64, newest: UInt64) {
        self.session = session
        self.oldest = oldest
        self.newest = newest
    }
}

/// A publish's `Idempotency-Key`, and what it published.
package struct StoredKey: Sendable, Equatable {
    /// A broadcast's begins with a space.
    package let key: String
    /// Of the body: another one under the same key is refused.
    package let digest: UInt64
    /// 0 in ``StoredState/broadcastKeys``.
    package let firstSequence: UInt64
    /// Events; in ``StoredState/broadcastKeys`` sessions.
    package let count: Int
    package let publishedAt: Timestamp

    /// So many of one session are remembered; of more the oldest are forgotten before their time.
    package static let countMax = 100_000

    package init(key: String, digest: UInt64, firstSequence: UInt64, count: Int, publishedAt: Timestamp) {
        self.key = key
        self.digest = digest
        self.firstSequence = firstSequence
        self.count = count
        self.publishedAt = publishedAt
    }
}

/// One session as a store remembers it.
package struct StoredSession: Sendable, Equatable {
    package let id: SessionID
    /// Nil where nothing was ever published to it.
    package let epoch: Epoch?
    package let range: StoredRange
    /// What an engine said of it, as a JSON object.
    package let registration: [UInt8]?
    /// The newest, oldest first.
    package let keys: [StoredKey]

    package init(id: SessionID, epoch: Epoch?, range: StoredRange, registration: [UInt8]?, keys: [StoredKey]) {
        self.id = id
        self.epoch = epoch
        self.range = range
        self.registration = registration
        self.keys = keys
    }
}

/// What a store remembers when it is opened.
package struct StoredState: Sendable, Equatable {
    package let sessions: [StoredSession]
    /// Whether the process before ended with ``HistoryStore/close(clean:)``, cleanly.
    package let wasClosed: Bool
    /// Whether the last events that were delivered may be missing: the process before promised ``Durability/relaxed`` and was not closed. Every session
    /// then goes on in a new epoch. All of them begin in the first commit, which settles it: were it several, a crash between them would leave it open.
    package let mayHaveLostEvents: Bool
    /// Of broadcasts that every session has: the newest, oldest first. Each session has those of what is in its stream.
    package let broadcastKeys: [StoredKey]

    package init(sessions: [StoredSession], wasClosed: Bool, mayHaveLostEvents: Bool, broadcastKeys: [StoredKey] = []) {
        self.sessions = sessions
        self.wasClosed = wasClosed
        self.mayHaveLostEvents = mayHaveLostEvents
        self.broadcastKeys = broadcastKeys
    }
}

internal import Sessions

/// Everything that crosses from one worker to another, or from outside to a worker. Values only.
enum Mail: Sendable {
    /// A question or an order from outside, run with the worker's core between two events of its loop; without one when the worker has ended
    /// or never began.
    case call(@Sendable (WorkerCore?) -> Void)

    // To a session's home:
    case publish(PublishRequest)
    case publishToAll(PublishRequest)
    case join(JoinRequest)
    case left(SessionID, incarnation: UInt64, worker: Int, Encoding, ConnectionID)
    case delivered(batch: UInt64, DeliveryCounts)
    case readHistory(HistoryRequest)
    case hasBehind(SessionID, incarnation: UInt64, worker: Int, Bool)

    // From the store to a session's home:
    case stored(ticket: UInt64, attempt: UInt64, StoreError?)
    case storedPage(HistoryRequest, Result<[StoredEvent], StoreError>)
    case storeDropped(StoredRange, reason: Int)

    // From a session's home to a worker with its connections:
    case joined(JoinRequest, JoinAnswer)
    case deliver(SessionID, Batch, number: UInt64, home: Int)
    case history(ConnectionRef, HistoryPage)
    /// The home has dropped what is before this sequence, and published nothing with it.
    case historyBegins(SessionID, incarnation: UInt64, at: UInt64)
    case published(ConnectionRef, number: UInt64, Result<PublishReceipt, PublishRefusal>, isEarly: Bool)
    /// An early-answered publish has been delivered: its place in the engine's window is free.
    case settled(ConnectionRef)
    case endSession(SessionID)

    /// About engines and commands, in either direction.
    indirect case engine(EngineMail)

    // From the control side:
    case respond(ConnectionRef, number: UInt64, EngineResponse)
    /// Stop accepting, close every client with 1012, and end when they are gone.
    case drain
    /// End now.
    case stop
}

/// A checked publish on its way to the session's home: the body's bytes and where in them the events are.
struct PublishRequest: Sendable {
    /// Nil in a broadcast to all.
    let session: SessionID?
    let body: [UInt8]
    let events: [PublishedEvent]
    /// Monotonic nanoseconds, when the request had been read.
    let receivedAt: UInt64
    var reply: ReplyTo
    var answersEarly = false
    /// How long the answer may wait for connections that are behind, in milliseconds; 0: not at all.
    var wait: UInt64 = 0
    /// Must not be done twice.
    var key: PublishKey?
    /// A broadcast that some sessions have already: those remember its key.
    var isUnfinished = false

    /// One event to one session, whose answer waits for nothing but its delivery.
    var isPlain: Bool { events.count == 1 && key == nil && wait == 0 && !answersEarly && session != nil }
}

/// A connection that asks its session's home to be let in.
struct JoinRequest: Sendable {
    let session: SessionID
    let kind: SessionKind
    let worker: Int
    let connection: ConnectionRef
    /// The name it will have when it is let in.
    let id: ConnectionID
    /// How the connection will take its events.
    let encoding: Encoding
    /// The event the client has seen last.
    let resumeFrom: EventID?
    /// Where one that does not resume begins; nil: where its session says.
    let join: JoinMode?
    /// It gets the events at their times, from the history alone.
    var replays = false
    /// Whose session it must be.
    var access = SessionAccess.open
    /// Whose token it has; nil: anonymous.
    var subject: String?
}

/// What lets a client into a session.
enum SessionAccess: Sendable {
    /// Nothing more is asked: the gateway asks for no tokens, or the token names the session.
    case open
    /// The session must be registered, with this owner.
    case owner(Identity)
    /// The session must have no owner: the gateway asks for tokens, and lets in who has none.
    case anonymous

    func allows(_ registration: SessionRegistration?) -> Bool {
        switch self {
        case .open: true
        case .owner(let identity): registration?.owner.map(identity.isSubject) ?? false
        case .anonymous: registration?.owner == nil
        }
    }
}

/// A connection that is behind asks its session's home for what comes next.
struct HistoryRequest: Sendable {
    let session: SessionID
    let incarnation: UInt64
    let worker: Int
    let connection: ConnectionRef
    let after: UInt64
    /// Of its plain frames; one larger than that comes alone.
    let bytesMax: Int
}

/// The home's answer. After `.admitted` every event of the session travels the same way behind it: no gap, no repeat. With a `start` the connection is
/// behind until a page reaches the head: the first comes along, or is asked for where the store has it.
enum JoinAnswer: Sendable {
    case admitted(incarnation: UInt64, lastID: EventID?, resume: ResumeAnswer?, start: UInt64?, page: HistoryPage?)
    case refused(JoinRefusal)
}

enum JoinRefusal: Sendable {
    case sessionFull
    case notOwner
    case unknownSession
    case wrongKind
    case tooManySessions
}

public import Sessions

/// A session at its home worker: the one place that orders its events and knows who is in it.
final class HomeSession {
    // What a publish and its delivery look at stands together, so that it is few of the cache's lines: the sends push it out in every turn.
    /// It was ended or forgotten: another one may have its name by now.
    var isOver = false
    /// What anybody takes is plain frames. Not when the last member has left: the next one says it anew.
    private(set) var isPlain = true
    /// When it last had a connection or an event, loop milliseconds.
    var lastUsed: UInt64
    /// The gateway's, and less where the registration asks for it.
    private(set) var limits: SessionHistory.Limits
    /// Over all workers.
    #if !DEBUG
    @safe @exclusivity(unchecked)
    #endif
    private(set) var connections = 0
    /// Published in this turn and not yet handed out.
    #if !DEBUG
    @safe @exclusivity(unchecked)
    #endif
    var pending: [Frame] = []
    var pendingBytes = 0
    #if !DEBUG
    @safe @exclusivity(unchecked)
    #endif
    var pendingWaiters: [BatchWaiter] = []
    #if !DEBUG
    @safe @exclusivity(unchecked)
    #endif
    var history = SessionHistory()
    /// What has its place, and under `commit` is not seen before it is committed.
    #if !DEBUG
    @safe @exclusivity(unchecked)
    #endif
    var assigned = SessionStream()
    /// What has been published so far, as everybody sees it.
    #if !DEBUG
    @safe @exclusivity(unchecked)
    #endif
    var stream = SessionStream()
    /// As this worker's fan-out has it, where it was looked for. It may be over by now.
    var local: LocalSession?
    /// Those that any connection has.
    #if !DEBUG
    @safe @exclusivity(unchecked)
    #endif
    private(set) var encodings: [Encoding] = []
    /// Connections by worker and encoding.
    #if !DEBUG
    @safe @exclusivity(unchecked)
    #endif
    private(set) var members: [PerEncoding<Int>]
    /// Said to the store before the first event.
    var newEpoch: Epoch?
    /// As the registration has them; for what is published from now on.
    #if !DEBUG
    @safe @exclusivity(unchecked)
    #endif
    private(set) var policies = HomeSession.usualPolicies

    // All else.
    let id: SessionID
    /// Tells a session from an ended one of the same name, whose connections are still leaving.
    let incarnation: UInt64
    private(set) var registration: SessionRegistration?
    /// The oldest sequence that the store has; nil where nothing is stored.
    var storedOldest: UInt64?
    var keys = PublishKeys()
    /// Workers with connections of it that are behind.
    var behindOn: Set<Int> = []
    /// Publishes whose answer waits for them.
    var waits: [(receipt: Receipt, until: UInt64)] = []

    private static let plain: [Encoding] = [.plain]
    /// Made once: that takes as long as all else about a new session.
    private static let usualPolicies = DeliveryPolicies()

    init(_ id: SessionID, incarnation: UInt64, workers: Int, limits: SessionHistory.Limits, now: UInt64) {
        self.id = id
        self.limits = limits
        self.incarnation = incarnation
        members = Array(repeating: PerEncoding(0), count: workers)
        lastUsed = now
    }

    var isStored: Bool { storedOldest != nil }
    /// How many of the newest events can be had, from memory or from the store.
    var kept: Int {
        guard let storedOldest else { return history.count }
        return max(history.count, stream.lastSequence >= storedOldest ? Int(clamping: stream.lastSequence - storedOldest + 1) : 0)
    }

    /// What the event is the latest of, for who lags.
    func key(of event: PublishedEvent, in body: Span<UInt8>) -> ConflationKey? {
        policies.mayHaveKey(metricIndex: event.metricIndex) ? policies.key(of: event, in: body) : nil
    }

    /// Whether one batch can carry it with what was gathered so far.
    func hasRoom(for frame: Frame) -> Bool { pending.isEmpty || pendingBytes + frame.bytes.count <= Batch.bytesMax }

    /// Connections of one kind came or went.
    func count(_ change: Int, on worker: Int, _ encoding: Encoding) {
        members[worker][encoding] += change
        connections += change
        // Nothing else can change them than the first of a worker's to come and its last to leave.
        let left = members[worker][encoding]
        guard left == 0 || left == change else { return }
        let found = Encoding.allCases.filter { encoding in members.contains { $0[encoding] > 0 } }
        // Nearly all sessions share one array.
        isPlain = found == Self.plain
        encodings = isPlain ? Self.plain : found
    }

    /// Says what an engine, or the store, says of it. What is over its limits now is dropped by the home.
    func register(_ registration: SessionRegistration?, gatewayLimits: SessionHistory.Limits) {
        self.registration = registration
        policies = DeliveryPolicies(registration?.policies ?? [:])
        limits = gatewayLimits.lowered(by: registration?.history ?? HistoryLimits())
    }

    /// Nothing would be lost by forgetting it: nobody is in it, no event was ever published, no engine registered it.
    var isForgettable: Bool { connections == 0 && assigned.lastID == nil && registration == nil && pending.isEmpty }
}

/// What an engine said about a session with `PUT /v1/sessions/{id}`.
public struct SessionRegistration: Sendable, Equatable {
    /// Which route serves it; nil: both.
    public var kind: SessionKind?
    /// The subject whose tokens may watch it.
    public var owner: String?
    /// Overrides the gateway's limit per session.
    public var connectionsMax: Int?
    /// What a new connection gets first.
    public var join: JoinMode?
    /// How events of a type reach connections that lag, where that is not as by default: at most 64 types. Counts from the next event on.
    public var policies: [EventType: DeliveryPolicy]
    /// Less history than the gateway keeps of any session.
    public var history: HistoryLimits

    public init(
        kind: SessionKind? = nil, owner: String? = nil, connectionsMax: Int? = nil, join: JoinMode? = nil,
        policies: [EventType: DeliveryPolicy] = [:], history: HistoryLimits = HistoryLimits()
    ) {
        self.policies = policies
        self.history = history
        self.kind = kind
        self.owner = owner
        self.connectionsMax = connectionsMax
        self.join = join
    }
}

/// One session as its home sees it now.
public struct SessionInfo: Sendable, Equatable {
    public let id: SessionID
    public let registration: SessionRegistration?
    /// Client connections over all workers.
    public let connections: Int
    /// The newest event; nil while the stream is empty.
    public let lastID: EventID?
    /// The oldest event kept; nil while none is.
    public let oldestID: EventID?
}

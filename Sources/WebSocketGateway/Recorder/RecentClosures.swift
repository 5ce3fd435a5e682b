internal import EventLoop
internal import Sessions

/// What is noted when a connection ends: what is at hand, and no text that is not there already. It becomes a ``ConnectionClosure`` for who asks.
struct Closure {
    let id: ConnectionID
    let session: SessionID?
    let kind: SessionKind?
    let transport: Transport
    let address: SocketAddress
    let ending: Ending
    let closeCode: UInt16
    /// Wall clock, microseconds since 1970.
    let connectedAt: Int64
    let closedAt: Int64
    let delivered: UInt64
    let lastID: EventID?
    let queuedBytes: Int
    let lag: Int
    let roundTripNanoseconds: UInt64?
    let recorder: FlightRecorder?

    var record: ConnectionClosure {
        ConnectionClosure(
            connectionID: id, sessionID: session, kind: kind, transport: transport, remoteAddress: address.host,
            connectedAt: Timestamp(microsecondsSince1970: connectedAt), closedAt: Timestamp(microsecondsSince1970: closedAt),
            closeCode: closeCode, reason: ending.reason, violation: ending.violation, delivered: delivered, lastID: lastID,
            queuedBytes: queuedBytes, lag: lag, roundTripMilliseconds: roundTripNanoseconds.map { Double($0 / 1000) / 1000 },
            story: recorder?.story ?? .none)
    }
}

/// The newest closures of one worker: a ring, which begins empty and never has more than ``countMax``.
struct RecentClosures {
    static let countMax = 256

    private var ring: ContiguousArray<Closure> = []
    /// The oldest's place once the ring is full.
    private var next = 0

    var count: Int { ring.count }

    mutating func add(_ closure: consuming Closure) {
        guard ring.count == Self.countMax else { return ring.append(closure) }
        ring[next] = closure
        next = (next + 1) % Self.countMax
    }

    /// At most `limit`, newest first; of one session, or of all.
    func newest(_ limit: Int, of session: SessionID?) -> [ConnectionClosure] {
        var found: [ConnectionClosure] = []
        for age in 1...max(1, ring.count) where age <= ring.count && found.count < limit {
            let closure = ring[(next + ring.count - age) % ring.count]
            if session == nil || closure.session == session { found.append(closure.record) }
        }
        return found
    }

    subscript(_ id: ConnectionID) -> ConnectionClosure? { ring.last { $0.id == id }?.record }
}

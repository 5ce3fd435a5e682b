internal import EventLoop
internal import Sessions
internal import WebSocket

/// One client's WebSocket or event stream on its worker, from the 101 or 200 to the last byte.
///
/// Flow: TCPStream → MessageReader → **ClientConnection** → commands; FanOut → **ClientConnection** (only while it lags) → Outbox → TCPStream
final class ClientConnection: StreamPeer {
    enum State {
        case open
        /// Our close frame is sent or queued; the peer's is awaited until the deadline.
        case closing(deadline: UInt64)
        /// Both close frames are through, or the stream is beyond use: FIN is sent, the peer's is awaited until the deadline.
        case finishing(deadline: UInt64)
        case closed
    }

    enum Mode {
        /// Watches a session.
        case session
        /// Gets back what it sends; the conformance target.
        case echo
        /// Was upgraded only to be told why not.
        case refused
    }

    // Small properties stand behind what leaves room for them: ten thousand connections have ten thousand times the gaps.
    let core: WorkerCore
    let stream: TCPStream
    let id: ConnectionID
    /// The client's address, which behind a trusted proxy is not the peer's.
    let address: SocketAddress
    let mode: Mode
    let encoding: Encoding
    /// It was let in as the session's owner, not because its token names the session.
    var isOwner = false
    /// Something came that was no close frame.
    var hasSpoken = false
    var peerHasEnded = false
    let admission: Admission
    var closeCode: CloseCode?
    let filter: TypeFilter?
    /// Who its token says it is, and what it may ask for; nil for anonymous clients, who may ask for anything.
    var identity: Identity?
    /// Loop milliseconds.
    var lifetimeEndsAt = UInt64.max
    /// Nil for the echo service.
    var session: LocalSession?
    var state = State.open
    /// The label of the gauge of open connections that this one is counted in.
    var gauge: UInt8?
    /// This connection's place among its session's members; kept by the fan-out.
    var memberPlace = MemberPlace(group: .careful, index: 0)
    @OneWord var wakesAt: UInt64?

    #if !DEBUG
    @safe @exclusivity(unchecked)
    #endif
    var reader: MessageReader
    var meter = MessageMeter()
    let ref: ConnectionRef
    /// Commands that its session's home has and has not answered.
    var commandsInFlight: Int32 = 0
    /// Bytes read since the handshake: where in them a rule was broken is worth knowing.
    var bytesRead: UInt64 = 0
    #if !DEBUG
    @safe @exclusivity(unchecked)
    #endif
    var outbox = Outbox()
    /// Nil for nearly everybody: what is published comes as it is published.
    var catchUp: CatchUp?
    /// Nil for nearly everybody: nothing noteworthy has happened.
    var recorder: FlightRecorder?

    /// Wall clock, microseconds since 1970, as it was when the turn first asked.
    let connectedAt: Int64
    /// When the peer was last heard, wall clock, as it was when the turn first asked.
    var lastHeardAt: Int64
    #if !DEBUG
    @safe @exclusivity(unchecked)
    #endif
    var clock: ConnectionClock
    /// The payload of a ping that came too fast: answered later, unless a newer one is answered before (RFC 6455 §5.5.3).
    var pongOwed: [UInt8]?
    /// When the ping on its way was sent, and the last round trip, in nanoseconds.
    var pingSentAt: UInt64 = 0
    @OneWord var roundTrip: UInt64?
    /// The session's count of events when this connection had had none of them; what it got since is the difference.
    var eventsAtStart: UInt64 = 0
    /// Events delivered, counted one by one where a filter or the history makes the difference useless.
    var eventsCounted: UInt64 = 0

    init(
        _ core: WorkerCore, _ stream: TCPStream, ref: ConnectionRef, id: ConnectionID, address: SocketAddress, admission: Admission,
        mode: Mode, encoding: Encoding = .plain, filter: TypeFilter? = nil
    ) {
        self.core = core
        self.stream = stream
        self.ref = ref
        self.id = id
        self.address = address
        self.admission = admission
        self.mode = mode
        self.encoding = encoding
        self.filter = filter
        reader = MessageReader(role: .server, limits: core.plan.webSocketLimits, deflate: encoding.deflateClass != nil)
        connectedAt = core.turnTime.microsecondsSince1970
        lastHeardAt = connectedAt
        clock = ConnectionClock(
            now: core.now, firstHeartbeat: mode == .session ? core.now + core.jittered(core.plan.heartbeatInterval) : nil)
        if mode == .echo { count(as: Metric.echoLabel) }
    }

    private func count(as label: Int) {
        gauge = UInt8(label)
        core.counters.add(.connections, label: label)
        if transport == .eventStream { core.counters.add(.eventStreams) }
    }

    /// Nothing waits. Not `outbox.isEmpty`, which is asked of a copy of the whole: 160 of an echo's 4,200 instructions.
    var hasNothingQueued: Bool { outbox.bytes == 0 }
    var isOpen: Bool { if case .open = state { true } else { false } }
    var queuedBytes: Int { outbox.bytes }

    /// Becomes a member; from now on the fan-out sends here.
    func join(_ session: LocalSession, behind start: UInt64?, replay: Replay? = nil) {
        self.session = session
        count(as: Metric.kindLabel(session.kind))
        eventsAtStart = session.eventsSeen
        if let start { beginCatchUp(after: start, .joined, replay) }
    }

    // MARK: Sending

    /// Hands the frames to the kernel, or queues them behind what waits.
    func send(_ frames: [UInt8]) {
        guard hasNothingQueued else {
            outbox.append(frames)
            core.counters.add(.queuedBytes, UInt64(frames.count))
            return
        }
        switch stream.send(frames.span) {
        case .sent(let count):
            core.counters.add(.sentBytes, UInt64(count))
            guard count < frames.count else { return }
            outbox.append(frames, sent: count)
            beganToLag()
        case .failed(let error): fail(error)
        }
    }

    /// As ``send(_:)``, for bytes that are another's: copies what has to wait.
    @inline(__always)
    func send(copying frames: Span<UInt8>) {
        guard hasNothingQueued else { return send(Self.copied(frames)) }
        switch stream.send(frames) {
        case .sent(let count):
            core.counters.add(.sentBytes, UInt64(count))
            guard count < frames.count else { return }
            outbox.append(Self.copied(frames), sent: count)
            beganToLag()
        case .failed(let error): fail(error)
        }
    }

    private static func copied(_ bytes: Span<UInt8>) -> [UInt8] { unsafe bytes.withUnsafeBufferPointer { unsafe Array($0) } }

    /// The outbox has just received its first bytes.
    func beganToLag() {
        core.counters.add(.queuedBytes, UInt64(outbox.bytes))
        clock.lastProgress = core.now
        stream.waitUntilWritable()
        core.schedule(self, at: core.now + core.plan.writeTimeout)
        guard let session, catchUp == nil else { return }
        note(.lagged(queuedBytes: outbox.bytes))
        core.fanOut.move(self, to: .careful, in: session)
    }

    func streamBecameWritable(_ stream: TCPStream) {
        var joined: [UInt8] = []
        swap(&joined, &core.scratch)
        defer { swap(&joined, &core.scratch) }
        while !outbox.isEmpty {
            joined.removeAll(keepingCapacity: true)
            announceOmissions(within: Batch.bytesMax)
            outbox.gather(into: &joined, max: Batch.bytesMax)
            switch stream.send(joined.span) {
            case .failed(let error): return fail(error)
            case .sent(let count):
                core.counters.add(.sentBytes, UInt64(count))
                core.counters.subtract(.queuedBytes, UInt64(count))
                if count > 0 {
                    outbox.consume(count)
                    clock.lastProgress = core.now
                }
                if count < joined.count { return stream.waitUntilWritable() }
            }
        }
        clock.lastProgress = nil
        if peerHasEnded { return cut(nil) }
        if catchUp != nil {
            continueFromHistory()
        } else if let session, filter == nil {
            core.fanOut.move(self, to: liveGroup, in: session)
        }
        if case .finishing = state { stream.finishSending() }
    }

    // MARK: Heartbeat

    /// Events of the stream handed to this connection since it joined.
    var delivered: UInt64 {
        guard let session else { return 0 }
        return filter == nil && catchUp == nil ? session.eventsSeen &- eventsAtStart : eventsCounted
    }

    /// The newest event handed to this connection.
    var lastDelivered: EventID? {
        guard let lastID = session?.lastID, let catchUp else { return session?.lastID }
        return catchUp.after == 0 ? nil : EventID(epoch: lastID.epoch, sequence: catchUp.after)
    }

    func sendHeartbeat(withPing: Bool) {
        var frames = OwnMessages.heartbeat(
            now: core.wallTime, lastID: lastDelivered, delivered: delivered, roundTripNanoseconds: roundTrip, for: transport)
        if withPing {
            pingSentAt = Clocks.monotonicNanoseconds
            frames += FrameEncoder.frame(.ping, [])
        }
        core.counters.add(.heartbeats)
        sendOwn(frames)
        // It has counted what stands before it.
        outbox.pinWhatWaits()
    }

    /// A message of the gateway's own to this connection alone. It may wait beside a full queue of events: only who asks for more answers than it
    /// reads fills that room as well, and is closed as too slow.
    @discardableResult
    func sendOwn(_ frames: [UInt8]) -> Bool {
        guard isOpen else { return false }
        guard hasNothingQueued || outbox.bytes + frames.count <= core.plan.outboxBytesMax else {
            closeFull()
            return false
        }
        send(frames)
        return isOpen
    }

    func deadlineReached(now: UInt64) -> UInt64? {
        switch state {
        case .closed: return nil
        case .closing(let deadline), .finishing(let deadline):
            if now >= deadline { cut(nil, abortively: true) }
            return deadline
        case .open: break
        }
        switch clock.due(now: now, clockLimits) {
        case .stale:
            core.counters.add(.staleCloses)
            close(.stale, .stale, reason: "not heard for \(core.plan.staleTimeout / 1000) s")
        case .noProgress: closeSlow(.noProgress, "no progress; resume with the last id")
        case .pong:
            clock.pongDue = nil
            if let payload = pongOwed {
                pongOwed = nil
                sendPong(payload)
            }
        case .messageUnfinished: close(.policyViolation, .messageUnfinished, reason: "message not finished in time")
        case .departure: depart()
        case .heartbeat:
            sendHeartbeat(withPing: transport.isHeard)
            clock.nextHeartbeat = now + core.jittered(core.plan.heartbeatInterval)
        case nil: break
        }
        play()
        return nextDeadline
    }

    private var nextDeadline: UInt64? {
        switch state {
        case .closed: return nil
        case .closing(let deadline), .finishing(let deadline): return deadline
        case .open: break
        }
        return clock.next(clockLimits)
    }

    func scheduleNextDeadline() {
        if let next = nextDeadline { core.schedule(self, at: next) }
    }
}

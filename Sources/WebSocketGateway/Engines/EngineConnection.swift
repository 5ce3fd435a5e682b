internal import EventLoop
internal import Sessions
internal import WebSocket

/// An engine's link: one WebSocket on the control listener, over which it publishes, serves sessions and answers their commands.
///
/// What it says is handled in EngineConnection+Receiving.swift. Everything it is told is written at the end of the loop's turn, with one send.
///
/// Flow: TCPStream → MessageReader → **EngineConnection** → SessionHome, CommandDesk → **EngineConnection** → TCPStream
final class EngineConnection: StreamPeer {
    enum State {
        case open
        /// Our Close is written or waits; the peer's is awaited until the deadline.
        case closing(deadline: UInt64)
        /// Nothing more to say: FIN follows what waits, and the peer's is awaited until the deadline.
        case finishing(deadline: UInt64)
        case closed
    }

    let core: WorkerCore
    let stream: TCPStream
    let ref: ConnectionRef
    let address: SocketAddress
    private let admission: Admission
    /// Whose key opened it; nil where none is asked for.
    let caller: ControlDoor.Caller?
    /// That key's name, for the log.
    private let keyName: String?
    private(set) var state = State.open
    var wakesAt: UInt64?

    var reader: MessageReader
    var publishes = LinkPublishes()
    /// The session it spoke of last.
    var lastSession: SessionID?
    /// Received and not yet read, while too much is under way.
    var backlog: [UInt8] = []
    var clock: ConnectionClock
    var bytesRead: UInt64 = 0

    private var output: [UInt8] = []
    private var outputSent = 0
    private var isInUnwritten = false
    var resumeAfterTurn = false

    /// What may wait for an engine that does not read: beyond it, it is not read either.
    static let outputBytesMax = 1_048_576
    /// Beyond it no command is added.
    static let commandsBytesMax = 4_194_304
    /// Beyond it the link is closed: an engine that reads nothing serves nobody.
    static let waitingBytesMax = 8_388_608

    init(
        _ core: WorkerCore, _ stream: TCPStream, ref: ConnectionRef, address: SocketAddress, admission: Admission,
        caller: ControlDoor.Caller? = nil
    ) {
        self.core = core
        self.stream = stream
        self.ref = ref
        self.address = address
        self.admission = admission
        self.caller = caller
        keyName = caller.flatMap { core.board.controlDoor.name(of: $0) }
        var limits = core.plan.webSocketLimits
        // A publish as large as one by HTTP, and what stands around it.
        limits.messageBytesMax = core.plan.settings.publishBytesMax + 4096
        reader = MessageReader(role: .server, limits: limits)
        clock = ConnectionClock(now: core.now, firstHeartbeat: core.now + core.jittered(core.plan.heartbeatInterval))
    }

    /// The 101 is the first thing written. What the engine sent early and waited is read then.
    func start(_ answer: [UInt8], early: [UInt8]) {
        core.counters.add(.engineLinks)
        core.log.engineLinked(address, key: keyName)
        append(answer)
        stream.startReading()
        schedule()
        if !early.isEmpty { stream(stream, didReceive: early.span) }
    }

    var id: EngineID { .link(worker: core.index, ref) }
    var isOpen: Bool { if case .open = state { true } else { false } }
    var isHeldBack: Bool { publishes.isFull || waitingBytes > Self.outputBytesMax }
    private var waitingBytes: Int { output.count - outputSent }

    // MARK: Sending

    /// A whole frame for the engine. A command that finds no room is given back to its home.
    func send(_ frame: [UInt8], command: CommandID? = nil) {
        guard isOpen else { return }
        if let command, waitingBytes + frame.count > Self.commandsBytesMax { return core.tell(.busy(command, id), to: command.worker) }
        guard waitingBytes + frame.count <= Self.waitingBytesMax else { return cut("it does not read", abortively: true) }
        append(frame)
    }

    func append(_ bytes: [UInt8]) {
        output.append(contentsOf: bytes)
        writeLater()
    }

    func writeLater() {
        guard !isInUnwritten else { return }
        isInUnwritten = true
        core.writeAtEndOfTurn(self)
    }

    /// Called at the end of the loop's turn.
    func writeOutput() {
        isInUnwritten = false
        if case .closed = state { return }
        if waitingBytes > 0 { write() }
        if case .closed = state { return }
        if resumeAfterTurn {
            resumeAfterTurn = false
            resume()
        }
        if case .finishing = state, output.isEmpty { stream.finishSending() }
        schedule()
    }

    private func write() {
        switch stream.send(output.span.extracting(outputSent...)) {
        case .failed(let error):
            core.counters.add(.sendErrors)
            cut("\(error)")
        case .sent(let count):
            core.counters.add(.sentBytes, UInt64(count))
            outputSent += count
            if outputSent == output.count {
                if output.capacity > 65_536 { output = [] } else { output.removeAll(keepingCapacity: true) }
                outputSent = 0
                clock.lastProgress = nil
            } else {
                if count > 0 || clock.lastProgress == nil { clock.lastProgress = core.now }
                // What was taken is let go of; never are more bytes moved than were sent.
                if outputSent > output.count / 2 {
                    output.removeFirst(outputSent)
                    outputSent = 0
                }
                stream.waitUntilWritable()
            }
        }
    }

    func streamBecameWritable(_ stream: TCPStream) {
        resumeAfterTurn = true
        writeLater()
    }

    // MARK: Time

    private func schedule() { if let next = nextDeadline { core.schedule(self, ref: ref, at: next) } }

    private var nextDeadline: UInt64? {
        switch state {
        case .closed: nil
        case .closing(let deadline), .finishing(let deadline): deadline
        case .open: clock.next(core.plan.heardLimits)
        }
    }

    func deadlineReached(now: UInt64) -> UInt64? {
        switch state {
        case .closed: return nil
        case .closing(let deadline), .finishing(let deadline):
            if now >= deadline { cut("it did not close in time", abortively: true) }
            return nextDeadline
        case .open: break
        }
        // What we do not read is not late.
        if isHeldBack {
            clock.heard(now: now)
            clock.messageEnded()
        }
        switch clock.due(now: now, core.plan.heardLimits) {
        case .stale: close(.stale, reason: "not heard for \(core.plan.staleTimeout / 1000) s")
        case .noProgress: cut("it does not read", abortively: true)
        case .messageUnfinished: close(.policyViolation, reason: "message not finished in time", finish: true)
        case .heartbeat:
            clock.nextHeartbeat = now + core.jittered(core.plan.heartbeatInterval)
            guard isAdmitted else {
                closeForNewKeys()
                break
            }
            append(FrameEncoder.frame(.ping, []))
        case .departure, .pong, nil: break
        }
        return nextDeadline
    }

    func planChanged(from earlier: Plan) {
        guard core.plan.heardLimits != earlier.heardLimits || core.plan.heartbeatInterval != earlier.heartbeatInterval else { return }
        clock.limitsChanged(now: core.now, heartbeatBy: core.now + core.jittered(core.plan.heartbeatInterval))
        schedule()
    }

    // MARK: Closing

    /// Says why, behind what waits. `finish` does not wait for the peer's Close, as after a violation.
    func close(_ code: CloseCode, reason: String, finish finishes: Bool = false) {
        guard isOpen else { return }
        let deadline = core.now + core.plan.closeTimeout
        state = finishes ? .finishing(deadline: deadline) : .closing(deadline: deadline)
        append(FrameEncoder.close(code, reason: reason))
        leave(reason)
        // It may have been held back; its own Close is to be seen.
        stream.startReading()
        schedule()
    }

    /// Whether the keys are those that it came with. A key that was taken out must not publish on.
    var isAdmitted: Bool { caller.map { core.board.controlDoor.isCurrent($0) } ?? true }

    /// Whoever has a key that is still good comes back with it.
    func closeForNewKeys() {
        close(.serviceRestart, reason: "the keys were changed; retry-after-ms=\(core.retryAfterMilliseconds())")
    }

    func closeForDraining(retryMilliseconds: Int) { close(.serviceRestart, reason: "draining; retry-after-ms=\(retryMilliseconds)") }

    /// The peer's Close came: ours follows what waits, and nothing after it.
    func answerClose(_ code: CloseCode?) {
        let wasOpen = isOpen
        state = .finishing(deadline: core.now + core.plan.closeTimeout)
        if wasOpen {
            append(code.map { FrameEncoder.close($0) } ?? FrameEncoder.frame(.close, []))
            leave("it closed with \(code?.rawValue ?? 1005)")
        } else {
            writeLater()
        }
        schedule()
    }

    func finish() {
        state = .finishing(deadline: core.now + core.plan.closeTimeout)
        writeLater()
        schedule()
    }

    /// Told once, before anything else of this link is said: every home drops its claims and answers what it was given.
    private func leave(_ reason: String) {
        core.counters.subtract(.engineLinks)
        core.log.engineUnlinked(address, key: keyName, reason: reason)
        backlog = []
        for worker in core.board.mailboxes.indices { core.tell(.lost(id), to: worker) }
    }

    func streamDidReachEnd(_ stream: TCPStream) { cut("it ended the connection without a close frame", abortively: waitingBytes > 0) }

    func stream(_ stream: TCPStream, didFail error: SystemError) { cut("\(error)") }

    func cut(_ reason: String, abortively isAbortive: Bool = false) {
        if case .closed = state { return }
        let wasOpen = isOpen
        state = .closed
        output = []
        outputSent = 0
        if isAbortive { stream.reset() } else { stream.close() }
        core.connectionClosed(ref, admission)
        if wasOpen { leave(reason) }
    }

    /// Engines publish until the end; they are told to leave when the clients are gone.
    func gatewayStops(hard: Bool) {
        guard hard else { return }
        writeOutput()
        cut("the gateway stopped")
    }
}

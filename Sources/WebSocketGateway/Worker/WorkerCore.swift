internal import EventLoop
internal import HTTP
internal import Sessions
internal import Synchronization
internal import WebSocket

/// Everything one worker owns: its loop, its sockets, the sessions it is home to, the members it delivers to. Not Sendable, and touched on
/// the loop's thread only; others reach it through its mailbox.
final class WorkerCore {
    let index: Int
    let board: Switchboard
    /// What is in force: stored here whole, so that a limit costs no more than a load. Copying all of it does; take what is needed.
    private(set) var plan: Plan
    let counters: CounterCells
    let log: GatewayLog
    let loop: EventLoop
    private(set) var home: SessionHome!
    private(set) var fanOut: FanOut!
    private(set) var desk: CommandDesk!

    /// Nil where no listener speaks TLS.
    let tls: WorkerTLS?
    #if !DEBUG
    @safe @exclusivity(unchecked)
    #endif
    var table = ConnectionTable()
    #if !DEBUG
    @safe @exclusivity(unchecked)
    #endif
    var closures = RecentClosures()
    #if !DEBUG
    @safe @exclusivity(unchecked)
    #endif
    private var wheel: TimerWheel
    private var wheelTimer: LoopTimer!
    private var wheelWakesAt = UInt64.max
    private var publicListener: Listener?
    private var controlListener: Listener?
    private var listeners: [Listener] { [publicListener, controlListener].compactMap(\.self) }
    private var acceptTimer: LoopTimer!
    /// For engines that wait for connections that are behind.
    private(set) var waitTimer: LoopTimer!
    /// HTTP connections with answers to write at the end of the turn.
    #if !DEBUG
    @safe @exclusivity(unchecked)
    #endif
    private var unwritten: [HTTPConnection] = []
    #if !DEBUG
    @safe @exclusivity(unchecked)
    #endif
    private var unwrittenEngines: [EngineConnection] = []
    /// Refused connections that still read their answer.
    var lingering = 0
    private var expireAt: UInt64 = 0
    private var date = DateLine()
    private var turnTimeOf = UInt64.max
    private var turnTimeRead = Timestamp(microsecondsSince1970: 0)
    #if !DEBUG
    @safe @exclusivity(unchecked)
    #endif
    private var random = BufferedRandom()
    /// Joined bytes on their way to one send; reused.
    #if !DEBUG
    @safe @exclusivity(unchecked)
    #endif
    var scratch: [UInt8] = []
    /// One small frame on its way to one send.
    #if !DEBUG
    @safe @exclusivity(unchecked)
    #endif
    var frameRoom = [UInt8](repeating: 0, count: 4096)
    /// The room of a message that was echoed, the largest so far of those that are small, for the next one.
    #if !DEBUG
    @safe @exclusivity(unchecked)
    #endif
    var spareMessage: [UInt8] = []
    private var deflaters = PerEncoding<Deflater?>(nil)
    var memory: MemoryShare
    private var looksAtMemoryAt: UInt64 = 0
    /// For everything clients of this worker send compressed; nil when memory was short.
    private(set) lazy var inflater = Inflater()

    private enum Phase {
        case running
        /// Clients are leaving, engines still publish.
        case draining(hardStopAt: UInt64)
        /// Clients are gone. Engines get the answers they wait for, and 503 for what they still ask; then the connections close.
        case parting(until: UInt64)
        case stopped
    }
    private var phase = Phase.running

    init(_ board: Switchboard, index: Int) throws(SystemError) {
        self.board = board
        self.index = index
        plan = board.running.withLock { $0 }
        counters = board.counters[index].cells
        log = board.log
        memory = MemoryShare(bytes: plan.memoryBytesPerWorker)
        counters.add(.memoryBudget, UInt64(plan.memoryBytesPerWorker))
        loop = try EventLoop()
        tls = board.tls.withLock { $0 }.map { [loop] in WorkerTLS($0, loop) }
        wheel = TimerWheel(now: loop.nowMilliseconds)
        // First: once a timer exists only a turned loop can close it, and this may throw.
        try board.mailboxes[index].open(on: loop) { [unowned self] batch in for mail in batch { self.receive(mail) } }
        home = SessionHome(self)
        waitTimer = LoopTimer(loop) { [unowned self] in self.home.endWaits(now: self.now) }
        fanOut = FanOut(self)
        desk = CommandDesk(self)
        wheelTimer = LoopTimer(loop) { [unowned self] in self.wheelTurned() }
        acceptTimer = LoopTimer(loop) { [unowned self] in for listener in self.listeners { listener.resume() } }
        // Strongly, for the reason that ``dissolve()`` gives; let go of when it stops.
        loop.atEndOfTurn = { self.endTurn() }
        loop.onTurn = { self.measureTurn() }
        armWheel(at: now + Self.pulse)
    }

    /// Runs until the worker has stopped.
    func run() {
        loop.run()
        dissolve()
    }

    /// Home, fan-out and connections know the core strongly: that it lives is then no question with each of their steps, which was a tenth of an
    /// echo's instructions. The connections are gone when the loop has ended, but for those that had answers to write when it was stopped; they and
    /// the two are let go of here.
    func dissolve() {
        home = nil
        fanOut = nil
        desk = nil
        unwritten = []
        unwrittenEngines = []
    }

    // MARK: Compression

    /// One for each class, made when it is first needed.
    func deflater(_ encoding: Encoding) -> Deflater? {
        if let made = deflaters[encoding] { return made }
        guard let deflateClass = encoding.deflateClass else { return nil }
        let made = Deflater(deflateClass)
        deflaters[encoding] = made
        return made
    }

    // MARK: Time

    /// Loop milliseconds at the start of this turn.
    var now: UInt64 { loop.nowMilliseconds }
    /// `Date` as a header line, which every answer of an origin server with a clock has (RFC 9110 §6.6.1).
    var dateLine: [UInt8] { date.line(at: wallTime) }
    var wallTime: Timestamp { Timestamp(microsecondsSince1970: Clocks.wallMicroseconds) }

    /// The wall clock, asked once between two waits: for what each message of many would ask.
    var turnTime: Timestamp {
        if turnTimeOf != loop.turnsCompleted { (turnTimeOf, turnTimeRead) = (loop.turnsCompleted, wallTime) }
        return turnTimeRead
    }

    /// The interval, a tenth more or less: many connections made at once must not be served at once for ever.
    func jittered(_ interval: UInt64) -> UInt64 { interval - interval / 10 + UInt64.random(in: 0...max(1, interval / 5), using: &random) }

    /// When a client that we close for draining should come back: spread, so that the next gateway is not stormed.
    func retryAfterMilliseconds() -> Int { Int.random(in: 500...3000, using: &random) }

    func random(below end: UInt64) -> UInt64 { UInt64.random(in: 0..<max(1, end), using: &random) }

    private func measureTurn() {
        counters.observe(.loopTurn, nanoseconds: loop.busyNanoseconds)
        board.counters[index].lastTurn.store(loop.turnStartedAt, ordering: .relaxed)
    }

    /// An idle worker shows that it is alive once a second.
    private static let pulse: UInt64 = 1000

    func schedule(_ peer: any Peer, ref: ConnectionRef, at time: UInt64) {
        if let already = peer.wakesAt, already <= time { return }
        peer.wakesAt = time
        wheel.schedule(ref, at: time)
        armWheel(at: time)
    }

    func schedule(_ client: ClientConnection, at time: UInt64) { schedule(client, ref: client.ref, at: time) }

    private func armWheel(at time: UInt64) {
        let time = min(time + TimerWheel.tick, now + Self.pulse)
        guard time < wheelWakesAt, !isStopped else { return }
        wheelWakesAt = time
        wheelTimer.start(delay: time > now ? time - now : 0)
    }

    private func wheelTurned() {
        wheelWakesAt = .max
        let now = now
        for entry in wheel.advance(to: now) {
            guard let peer = table[entry.connection], peer.wakesAt == entry.at else { continue }
            peer.wakesAt = nil
            if let next = peer.deadlineReached(now: now) { schedule(peer, ref: entry.connection, at: max(next, now + TimerWheel.tick)) }
        }
        if now >= expireAt {
            home.expire()
            expireAt = now + min(60_000, max(1000, plan.sessionIdleTimeout / 10))
        }
        if now >= looksAtMemoryAt {
            lookAtMemory()
            looksAtMemoryAt = now + Self.pulse
        }
        switch phase {
        case .draining(let time) where now >= time, .parting(let time) where now >= time: return stop()
        default: break
        }
        armWheel(at: wheel.nextDue(after: now) ?? now + Self.pulse)
    }

    // MARK: Turns

    private func endTurn() {
        guard !isStopped else { return }
        lookAtMemoryIfDue()
        // Answers written make room for requests that were held back, and those may publish.
        repeat {
            home.flush()
            while let connection = unwritten.popLast() { connection.writeAnswers() }
            while let engine = unwrittenEngines.popLast() { engine.writeOutput() }
        } while home.hasPending
        if isDrained { part() }
        if case .parting = phase, table.count == 0 { stop() }
        // The wait follows, within the loop's turn: what is read before is old behind it.
        turnTimeOf = .max
    }

    func writeAtEndOfTurn(_ connection: HTTPConnection) { unwritten.append(connection) }
    func writeAtEndOfTurn(_ engine: EngineConnection) { unwrittenEngines.append(engine) }

    // MARK: Mail

    @discardableResult
    func post(_ mail: Mail, to worker: Int) -> Bool { board.mailboxes[worker].post(mail) }

    private func receive(_ mail: Mail) {
        guard !isStopped else { return answerAfterStop(mail) }
        switch mail {
        case .call(let body): body(self)
        case .publish(let request), .publishToAll(let request): home.publish(request)
        case .join(let request): post(.joined(request, home.join(request)), to: request.worker)
        case .left(let session, let incarnation, let worker, let encoding, let id):
            home.left(session, incarnation: incarnation, worker: worker, encoding, id)
        case .delivered(let batch, let counts): home.delivered(batch, counts)
        case .joined(let request, let answer): joined(request, answer)
        case .readHistory(let request): home.read(request)
        case .hasBehind(let session, let incarnation, let worker, let has): home.note(session, incarnation, worker, hasBehind: has)
        case .historyBegins(let session, let incarnation, let at): fanOut.note(session, incarnation, keptFrom: at)
        case .history(let ref, let page): client(at: ref)?.catchUp(with: page)
        case .stored(let ticket, let attempt, let error): home.stored(ticket, attempt: attempt, error)
        case .storedPage(let request, let events): home.storedPage(request, events)
        case .storeDropped(let range, let reason): home.storeDropped(range, reason: reason)
        case .deliver(let session, let batch, let number, let homeWorker):
            post(.delivered(batch: number, fanOut.deliver(batch, to: session)), to: homeWorker)
        case .published(let ref, let number, let result, let isEarly): published(ref, number, result, isEarly: isEarly)
        case .settled(let ref): http(at: ref)?.publishSettled()
        case .endSession(let session): fanOut.end(session)
        case .engine(let mail): receive(mail)
        case .respond(let ref, let number, let response): http(at: ref)?.answer(number, response)
        case .drain: drain()
        case .stop: stop()
        }
    }

    // MARK: Connections

    func client(at slot: UInt32) -> ClientConnection? { table[slot] as? ClientConnection }
    func client(at ref: ConnectionRef) -> ClientConnection? { table[ref] as? ClientConnection }

    /// The client with this id, if it is connected here.
    func client(_ id: ConnectionID) -> ClientConnection? {
        guard id.worker == index, let client = client(at: id.slot), client.id == id, client.isOpen else { return nil }
        return client
    }

    func http(at ref: ConnectionRef) -> HTTPConnection? { table[ref] as? HTTPConnection }

    var clients: [ClientConnection] { table.all.compactMap { $0 as? ClientConnection } }

    func makeConnectionID(slot: UInt32) -> ConnectionID { ConnectionID(worker: index, slot: slot, using: &random) }

    /// The same TCP connection goes on as another kind of peer.
    func replace(_ ref: ConnectionRef, with peer: any Peer) { table.set(peer, at: ref) }

    func connectionClosed(_ ref: ConnectionRef, _ admission: Admission?) {
        table.remove(ref)
        if let admission { board.gate.leave(admission) } else { lingering -= 1 }
        if isDraining, board.gate.clientCount == 0 {
            for worker in board.mailboxes.indices where worker != index { post(.call { _ in }, to: worker) }
        }
    }

    /// The settings were reloaded.
    func adopt(_ plan: Plan) {
        let earlier = self.plan
        self.plan = plan
        if let contexts = plan.tls { tls?.replace(contexts) }
        for peer in table.all { peer.planChanged(from: earlier) }
    }

    // MARK: Accepting

    func listen(_ publicSocket: BoundSocket, control: BoundSocket?) throws(SystemError) {
        let refused: (SystemError) -> Void = { [unowned self] error in
            // Nothing to accept with until something closes; looking again in a while costs little.
            self.counters.add(.acceptErrors)
            self.log.acceptFailed(error)
            self.acceptTimer.start(delay: 100)
        }
        do throws(SystemError) {
            publicListener = try Listener(
                loop, publicSocket, accepted: { [unowned self] in self.acceptClient($0, $1) }, refused: refused)
        } catch {
            control?.close()
            throw error
        }
        if let control {
            controlListener = try Listener(loop, control, accepted: { [unowned self] in self.acceptControl($0, $1) }, refused: refused)
        }
    }

    // MARK: Stopping

    private var isStopped: Bool { if case .stopped = phase { true } else { false } }
    var isParting: Bool { if case .parting = phase { true } else { isStopped } }
    var isDraining: Bool { if case .running = phase { false } else { true } }

    private func drain() {
        guard case .running = phase else { return }
        phase = .draining(hardStopAt: now + plan.drainTimeout)
        armWheel(at: now + plan.drainTimeout)
        // What waits in the accept queue is answered, so that nobody sees a reset. The control listener stays: readiness is asked there.
        publicListener?.close()
        for peer in table.all { peer.gatewayStops(hard: false) }
        // Whoever waits for the last client may be another worker.
        for worker in board.mailboxes.indices where worker != index { post(.call { _ in }, to: worker) }
    }

    /// Draining is over when no worker has a client any more, and the refused have read their answers.
    private var isDrained: Bool {
        guard case .draining = phase else { return false }
        return board.gate.clientCount == 0 && lingering == 0 && !home.storing.isWaiting
    }

    /// How long engines have to read their last answers, in milliseconds: a connection closed with unread requests is reset, answers and all.
    private static let partingTime: UInt64 = 300

    private func part() {
        guard table.count > 0 else { return stop() }
        phase = .parting(until: now + Self.partingTime)
        partFromEngines()
        armWheel(at: now + Self.partingTime)
    }

    func stop() {
        guard !isStopped else { return }
        drain()
        home.flush()
        phase = .stopped
        for listener in listeners { listener.close() }
        for peer in table.all { peer.gatewayStops(hard: true) }
        wheelTimer.close()
        acceptTimer.close()
        waitTimer.close()
        desk.close()
        loop.atEndOfTurn = nil
        loop.onTurn = nil
        // Whoever still waits for an answer gets one.
        for mail in board.mailboxes[index].close() { answerAfterStop(mail) }
        home.abandon()
    }

    private func answerAfterStop(_ mail: Mail) {
        switch mail {
        case .call(let body): body(self)
        case .publish(let request), .publishToAll(let request): answer(request.reply, .failure(.gatewayStopped))
        case .delivered(let batch, let counts): home.delivered(batch, counts)
        case .stored(let ticket, let attempt, let error): home.stored(ticket, attempt: attempt, error)
        default: break
        }
    }
}

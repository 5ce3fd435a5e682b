internal import EventLoop
internal import Sessions

/// Which engine serves each of the sessions that call one worker their home, and the commands on their way to it and back. Nobody else decides what
/// becomes of a command (docs/decisions/0020).
///
/// Flow: ClientCommands → **CommandDesk** → EngineConnection, or a handler in this process → **CommandDesk** → the client's answer
final class CommandDesk {
    private let core: WorkerCore
    #if !DEBUG
    @safe @exclusivity(unchecked)
    #endif
    private var claims: [SessionID: EngineID] = [:]
    private var sessionsOf: [EngineID: Set<SessionID>] = [:]
    /// Handlers of this process that serve a session of this home.
    private var programs: [UInt64: EngineProgram] = [:]
    private var table = CommandTable(firstNumber: UInt64.random(in: 0...CommandID.numberMask))
    private var timer: LoopTimer!
    private var wakesAt: UInt64?
    private var isClosed = false

    init(_ core: WorkerCore) {
        self.core = core
        timer = LoopTimer(core.loop) { [unowned self] in self.timeOut() }
    }

    /// The worker stops: nobody waits for an answer any more, and handlers get no further command.
    func close() {
        isClosed = true
        timer.close()
        for program in programs.values { program.end() }
        programs = [:]
    }

    // MARK: Who serves

    func serve(_ session: SessionID, by engine: EngineID, ref: [UInt8]?) {
        guard claim(session, by: engine) else {
            return tell(engine, LinkMessages.error("TOO_MANY_SESSIONS", "the gateway serves as many sessions as it may", ref: ref))
        }
        tell(engine, LinkMessages.serving(session, connections: core.home.sessions[session]?.connections ?? 0, ref: ref))
    }

    /// A handler of this process. False where there are too many sessions.
    func serve(_ session: SessionID, by program: EngineProgram) -> Bool {
        guard claim(session, by: .program(program.number)) else { return false }
        if isClosed { program.end() } else { programs[program.number] = program }
        return true
    }

    /// The last claim wins. False where this home serves as many sessions as it may.
    private func claim(_ session: SessionID, by engine: EngineID) -> Bool {
        let earlier = claims[session]
        guard earlier != engine else { return true }
        if earlier == nil {
            guard claims.count < max(1, core.plan.settings.sessionsMax / core.plan.workers) else { return false }
            core.counters.add(.sessionsServed)
        }
        claims[session] = engine
        sessionsOf[engine, default: []].insert(session)
        if let earlier {
            drop(session, of: earlier)
            tell(earlier, LinkMessages.replaced(session))
        }
        return true
    }

    func release(_ session: SessionID, by engine: EngineID, ref: [UInt8]? = nil) {
        if claims[session] == engine { unclaim(session, engine) }
        tell(engine, LinkMessages.released(session, ref: ref))
    }

    /// The session is over for good.
    func sessionEnded(_ session: SessionID) {
        guard let engine = claims[session] else { return }
        unclaim(session, engine)
        tell(engine, LinkMessages.released(session))
    }

    private func unclaim(_ session: SessionID, _ engine: EngineID) {
        claims[session] = nil
        core.counters.subtract(.sessionsServed)
        drop(session, of: engine)
    }

    private func drop(_ session: SessionID, of engine: EngineID) {
        sessionsOf[engine]?.remove(session)
        guard sessionsOf[engine]?.isEmpty == true else { return }
        sessionsOf[engine] = nil
        if case .program(let number) = engine { programs.removeValue(forKey: number)?.end() }
    }

    /// The engine is gone: its sessions have none, and what it was given has its answer now.
    private func lose(_ engine: EngineID) {
        for session in sessionsOf[engine] ?? [] { unclaim(session, engine) }
        for settled in table.lose(engine) { answer(settled) }
        schedule()
    }

    // MARK: Who is there

    /// A client has come to one of the home's sessions, or gone.
    func presenceChanged(
        _ session: SessionID, _ connection: ConnectionID, subject: String?, connections: @autoclosure () -> Int, isHere: Bool
    ) {
        guard !claims.isEmpty, let engine = claims[session], case .link = engine else { return }
        tell(
            engine, LinkMessages.presence(session, connection, subject: subject, connections: connections(), isHere: isHere))
    }

    private func tell(_ engine: EngineID, _ frame: [UInt8], command: CommandID? = nil) {
        guard case .link(let worker, let connection) = engine else { return }
        core.tell(.toEngine(connection, frame, command: command), to: worker)
    }

    // MARK: Mail to this home

    func receive(_ mail: EngineMail) {
        switch mail {
        case .command(let request): begin(request)
        case .serve(let session, let engine, let ref): serve(session, by: engine, ref: ref)
        case .release(let session, let engine, let ref): release(session, by: engine, ref: ref)
        case .reply(let id, let engine, let reply): self.reply(id, engine, reply)
        case .busy(let id, let engine):
            if let settled = table.settle(id.number, by: engine, .engineBusy, isRemembered: false) { answer(settled) }
        case .lost(let engine): lose(engine)
        case .toEngine, .answer: preconditionFailure("this goes to a connection's worker")
        }
    }

    private func begin(_ request: CommandRequest) {
        let timeout = request.action == "stop" ? core.plan.stopCommandTimeout : core.plan.commandTimeout
        let engine = claims[request.session]
        switch table.begin(request, engine: engine, now: core.now, timeout: timeout) {
        case .answered(let answer): self.answer(CommandTable.Settled(requests: [request], answer: answer))
        case .waits: break
        case .send(let number):
            // Before the engine has it: it may be lost within this call.
            schedule()
            give(request, CommandID(worker: core.index, number: number))
        }
    }

    private func give(_ request: CommandRequest, _ id: CommandID) {
        switch claims[request.session] {
        case .link?: tell(claims[request.session]!, LinkMessages.command(request, id), command: id)
        case .program(let number)?: programs[number]?.receive(request, id)
        case nil: break
        }
    }

    private func reply(_ id: CommandID, _ engine: EngineID, _ reply: CommandAnswer) {
        guard let settled = table.settle(id.number, by: engine, reply) else { return tell(engine, LinkMessages.expired(id)) }
        for request in settled.requests.prefix(1) {
            core.counters.observe(.commandSeconds, nanoseconds: Clocks.monotonicNanoseconds &- request.askedAt)
            // What the engine published before its reply is seen before it.
            if let home = core.home.sessions[request.session] { core.home.flush(home) }
        }
        answer(settled)
        schedule()
    }

    private func answer(_ settled: CommandTable.Settled) {
        for request in settled.requests {
            core.counters.add(.commands, label: settled.answer.result.index)
            core.log.command(request, settled.answer)
            core.tell(.answer(request, settled.answer), to: request.worker)
        }
    }

    // MARK: Time

    private func timeOut() {
        wakesAt = nil
        for settled in table.expire(now: core.now) { answer(settled) }
        schedule()
    }

    private func schedule() {
        guard !isClosed, let next = table.nextDeadline(), wakesAt.map({ next < $0 }) ?? true else { return }
        wakesAt = next
        timer.start(delay: next > core.now ? next - core.now : 0)
    }
}

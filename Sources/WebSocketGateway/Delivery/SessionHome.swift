internal import EventLoop
internal import Sessions

/// The sessions that call one worker their home: gives events their ids, joins a turn's events into batches, hands those to every worker with
/// connections, and gathers what became of them.
///
/// Flow: EngineRoutes → **SessionHome** (→ store →) FanOut, here and on other workers → receipts
final class SessionHome {
    let core: WorkerCore
    #if !DEBUG
    @safe @exclusivity(unchecked)
    #endif
    private(set) var sessions: [SessionID: HomeSession] = [:]
    /// Sessions with publishes whose answers wait for connections that are behind.
    var waiting: [SessionID: HomeSession] = [:]
    /// What waits for the store, and for its answers.
    #if !DEBUG
    @safe @exclusivity(unchecked)
    #endif
    var storing: HomeStoring
    /// Asked for each event; everything of ``storing`` is read by copying it.
    let hasStore: Bool
    private let releasesLater: Bool
    /// Sessions with events waiting for the end of the turn.
    #if !DEBUG
    @safe @exclusivity(unchecked)
    #endif
    var dirty: [HomeSession] = []
    var inFlight: [UInt64: InFlight] = [:]
    /// Arrays that batches were gathered in, for the next ones.
    #if !DEBUG
    @safe @exclusivity(unchecked)
    #endif
    var spareFrames = SpareArrays<Frame>()
    #if !DEBUG
    @safe @exclusivity(unchecked)
    #endif
    var spareWaiters = SpareArrays<BatchWaiter>()
    var nextBatch: UInt64 = 0
    private var nextIncarnation: UInt64 = 0
    var random = BufferedRandom()
    /// The second that most timestamps are of.
    #if !DEBUG
    @safe @exclusivity(unchecked)
    #endif
    private var times = TimestampTexts()
    /// Sessions that keep events.
    var keeping: [SessionID: HomeSession] = [:]
    /// What all histories kept here cost in memory.
    var keptBytes = 0
    /// How far memory was asked for ahead of them.
    var preparedBytes = 0
    /// What they may.
    var room: Int
    /// Sessions by when they were used last, the longest ago at the end, as it was when room was last made.
    var idlest: [(home: HomeSession, usedAt: UInt64)] = []

    init(_ core: WorkerCore) {
        self.core = core
        room = core.plan.memoryBytesPerWorker
        storing = HomeStoring(core.plan.durability)
        hasStore = core.plan.durability != .memory
        releasesLater = core.plan.durability == .commit
    }

    var hasPending: Bool { !dirty.isEmpty || hasStore && storing.hasUnposted }

    // MARK: Publishing

    func publish(_ request: PublishRequest) {
        if hasStore, let refusal = storing.refusal { return core.answer(request.reply, .failure(refusal)) }
        guard let session = request.session else {
            return publishToAll(request, Receipt(request.reply, answersEarly: request.answersEarly))
        }
        guard let home = findOrCreate(session) else {
            return core.answer(request.reply, .failure(.tooManySessions))
        }
        if case .request(core.index, let connection, let number) = request.reply, !hasStore, request.isPlain {
            return publish(
                request.events[0], of: request.body.span, at: (core.wallTime, request.receivedAt), to: home, for: connection, number)
        }
        let receipt = Receipt(request.reply, answersEarly: request.answersEarly)
        if let key = request.key, !begin(key, of: request, in: home, receipt) { return }
        if request.wait > 0 { receipt.wait = (request.wait, home) }
        add(request, to: home, receipt)
        seal(receipt)
    }

    /// The session of a publish whose event may be given to ``publish(_:of:at:to:for:_:)``; nil where that has to become a request, as the first
    /// to a session has.
    ///
    /// The head holds it, and looks for another only here: nothing is counted for each publish.
    func session(for known: PublishHeads.Known) -> Unmanaged<HomeSession>? {
        if known.home?.isOver ?? true { known.home = hasStore ? nil : sessions[known.checked.session] }
        return unsafe known.home.map { unsafe Unmanaged.passUnretained($0) }
    }

    /// One event, read where it was received, for a session at home here and without a store. The answer in place `number` waits for nothing but its
    /// delivery.
    func publish(
        _ event: PublishedEvent, of body: Span<UInt8>, at moment: (wall: Timestamp, nanoseconds: UInt64), to home: HomeSession,
        for connection: ConnectionRef, _ number: UInt64
    ) {
        home.lastUsed = core.now
        let entry = home.assigned.append(now: moment.wall, epoch: home.newEpoch ?? Epoch.random(using: &random))
        core.counters.add(.eventsPublished, label: event.metricIndex)
        if home.connections > 0 || home.limits.eventsMax > 0 {
            let frame = Frame(
                event, of: body, id: entry.id, timestamp: times.text(of: entry.timestamp), publishedAt: moment.nanoseconds,
                key: home.key(of: event, in: body))
            if !home.hasRoom(for: frame) { flush(home) }
            gather(frame, in: home)
        }
        home.stream.reach(entry.id)
        guard home.connections > 0 else {
            return core.published(connection, number, SinglePublish(entry.id, EventCounts()))
        }
        wait(.single(connection, number: number, entry.id, index: home.pending.count - 1), in: home)
    }

    private func publishToAll(_ request: PublishRequest, _ receipt: Receipt) {
        receipt.key = request.key.map { ($0, nil) }
        for home in sessions.values {
            if request.isUnfinished, let key = request.key, home.keys.knows(key) {
                receipt.sessions += 1
                continue
            }
            add(request, to: home, receipt)
            // Not at the end of the turn: the frames of all sessions at once would be as much memory as a body times the sessions.
            flush(home)
        }
        seal(receipt)
    }

    private func add(_ request: PublishRequest, to home: HomeSession, _ receipt: Receipt) {
        home.lastUsed = core.now
        let isStored = hasStore && storing.isStoring
        let needsFrames = home.connections > 0 || home.limits.eventsMax > 0 || isStored
        // Of a request that is stored or held: all others hand each event on as it is made.
        var held: [Frame] = []
        var stored: [StoredEvent] = []
        if isStored, home.assigned.lastID == nil { beginStream(of: home) }
        var first = home.pending.count
        for event in request.events {
            let entry = home.assigned.append(now: core.wallTime, epoch: home.newEpoch ?? Epoch.random(using: &random))
            note(entry.id, of: event, receipt)
            guard needsFrames else { continue }
            let frame = Frame(
                event, of: request.body.span, id: entry.id, timestamp: times.text(of: entry.timestamp), publishedAt: request.receivedAt,
                key: home.key(of: event, in: request.body.span))
            if isStored {
                stored.append(StoredEvent(sequence: entry.id.sequence, publishedAt: entry.timestamp, body: request.body, event: event))
            }
            if releasesLater { held.append(frame) } else { release(frame, in: home, receipt, &first) }
        }
        if isStored { store(stored, request.key, in: home, receipt) }
        if releasesLater { return hold(held, in: home, receipt) }
        released(home.assigned.lastID, first, in: home, receipt)
    }

    /// The store has them: from now on everybody may see the events.
    func release(_ frames: [Frame], in home: HomeSession, _ receipt: Receipt) {
        var first = home.pending.count
        for frame in frames { release(frame, in: home, receipt, &first) }
        released(frames.last?.id, first, in: home, receipt)
    }

    /// `first` is where in the batch being gathered the request's events begin.
    private func release(_ frame: Frame, in home: HomeSession, _ receipt: Receipt, _ first: inout Int) {
        if !home.hasRoom(for: frame) {
            note(receipt, home, first..<home.pending.count)
            flush(home)
            first = 0
        }
        gather(frame, in: home)
    }

    /// Into the history, and into the batch that has room for it.
    private func gather(_ frame: consuming Frame, in home: HomeSession) {
        if home.limits.eventsMax > 0 { keep(frame, in: home) }
        guard home.connections > 0 else { return }
        if home.pending.isEmpty {
            dirty.append(home)
            home.pending = spareFrames.take()
        }
        home.pendingBytes += frame.bytes.count
        home.pending.append(frame)
    }

    private func released(_ last: EventID?, _ first: Int, in home: HomeSession, _ receipt: Receipt) {
        receipt.sessions += 1
        if let last { home.stream.reach(last) }
        note(receipt, home, first..<home.pending.count)
    }

    private func note(_ id: EventID, of event: PublishedEvent, _ receipt: Receipt) {
        core.counters.add(.eventsPublished, label: event.metricIndex)
        if receipt.firstID == nil { receipt.firstID = id }
        receipt.lastID = id
        receipt.count += 1
    }

    private func note(_ receipt: Receipt, _ home: HomeSession, _ events: Range<Int>) {
        guard !events.isEmpty else { return }
        receipt.outstanding += 1
        wait(.receipt(receipt, events: events), in: home)
    }

    private func wait(_ waiter: BatchWaiter, in home: HomeSession) {
        if home.pendingWaiters.isEmpty { home.pendingWaiters = spareWaiters.take() }
        home.pendingWaiters.append(waiter)
    }

    /// All events of the request have their ids; who wants no more than those is told so as soon as they are released.
    private func seal(_ receipt: Receipt) {
        if !releasesLater { answerEarly(receipt) }
        settle(receipt)
    }

    func answerEarly(_ receipt: Receipt) {
        guard receipt.answersEarly, let early = receipt.receipt else { return }
        core.answer(receipt.reply, .success(early), isEarly: true)
    }

    func settle(_ receipt: Receipt) {
        receipt.outstanding -= 1
        guard receipt.outstanding == 0 else { return }
        if receipt.key != nil { end(receipt) }
        if !waits(receipt) { core.complete(receipt) }
    }

    // MARK: Members

    func join(_ request: JoinRequest) -> JoinAnswer {
        let known = sessions[request.session]
        // First: who may not watch a session is not told whether there is one.
        // Read once: it holds tables, and each reading of it copies them all.
        let registration = known?.registration
        guard request.access.allows(registration) else { return .refused(.notOwner) }
        let isRegistered = registration != nil || known?.stream.lastID != nil
        if core.plan.settings.registeredSessionsOnly, !isRegistered { return .refused(.unknownSession) }
        if let kind = registration?.kind, kind != request.kind { return .refused(.wrongKind) }
        guard let home = known ?? createWithinLimit(request.session) else { return .refused(.tooManySessions) }
        let max = registration?.connectionsMax ?? core.plan.settings.connectionsPerSessionMax
        guard home.connections < max else { return .refused(.sessionFull) }
        // What was published before goes to those who were members then: the newcomer's `last_id` covers it.
        flush(home)
        home.count(1, on: request.worker, request.encoding)
        home.lastUsed = core.now
        core.desk.presenceChanged(home.id, request.id, subject: request.subject, connections: home.connections, isHere: true)
        let kept = home.kept
        let resume = request.resumeFrom.map { home.stream.resume(from: $0, kept: kept) }
        if let resume { core.counters.add(.resumes, label: resume.recovered ? 0 : 1) }
        if request.replays {
            // It is fed from the history also where that has nothing more yet.
            let start = home.stream.start(resume, request.join ?? .all, kept: kept) ?? home.stream.lastSequence
            return .admitted(incarnation: home.incarnation, lastID: home.stream.lastID, resume: resume, start: start, page: nil)
        }
        let start = home.stream.start(resume, request.join ?? registration?.join ?? .live, kept: kept)
        return .admitted(
            incarnation: home.incarnation, lastID: home.stream.lastID, resume: resume, start: start,
            page: start.flatMap { isInStore($0, of: home) ? nil : page(of: home, after: $0, bytesMax: core.plan.pageBytesMax) })
    }

    // MARK: Members who leave

    /// A connection is gone. Its session may have been ended and begun anew meanwhile: then it was never a member of this one.
    func left(_ session: SessionID, incarnation: UInt64, worker: Int, _ encoding: Encoding, _ id: ConnectionID) {
        guard let home = sessions[session], home.incarnation == incarnation, home.members[worker][encoding] > 0 else { return }
        home.count(-1, on: worker, encoding)
        if home.connections == 0 { home.local = nil }
        home.lastUsed = core.now
        core.desk.presenceChanged(session, id, subject: nil, connections: home.connections, isHere: false)
        if home.isForgettable { forget(home) }
    }

    func findOrCreate(_ id: SessionID) -> HomeSession? { sessions[id] ?? createWithinLimit(id) }

    /// Nil where there are too many.
    private func createWithinLimit(_ id: SessionID) -> HomeSession? {
        // Each worker is home to its share of the sessions.
        guard sessions.count < max(1, core.plan.settings.sessionsMax / core.plan.workers) else { return nil }
        return create(id)
    }

    func create(_ id: SessionID) -> HomeSession {
        nextIncarnation += 1
        let home = HomeSession(id, incarnation: nextIncarnation, workers: core.plan.workers, limits: core.plan.history, now: core.now)
        sessions[id] = home
        core.counters.add(.sessions)
        return home
    }

    private func forget(_ home: HomeSession) {
        sessions[home.id] = nil
        home.isOver = true
        endWaits(of: home, now: .max)
        if hasStore, storing.isStoring, home.isStored || home.registration != nil { storing.changes.append(.delete(home.id)) }
        drop(from: home, reason: 3) { _ in true }
        core.counters.subtract(.sessions)
    }

    /// Forgets sessions that nobody used for the idle time, and events that were kept long enough. Called now and then; a look at all of them.
    func expire() {
        let limit = core.plan.sessionIdleTimeout
        let now = Clocks.monotonicNanoseconds
        expireKeys()
        for home in Array(keeping.values) { dropOld(of: home, now: now) }
        for home in Array(sessions.values) where home.connections == 0 && home.pending.isEmpty && core.now - home.lastUsed >= limit {
            forget(home)
        }
    }

    // MARK: The engine's calls

    /// Registers or changes a session; true when it was not known before. Nil when there are too many.
    func register(_ id: SessionID, _ change: (SessionRegistration) -> SessionRegistration) -> Bool? {
        let isNew = sessions[id]?.registration == nil
        guard let home = findOrCreate(id) else { return nil }
        let registration = change(home.registration ?? SessionRegistration())
        home.register(registration, gatewayLimits: core.plan.history)
        dropOverLimits(of: home)
        if hasStore, storing.isStoring { storing.changes.append(.register(id, registration.stored)) }
        home.lastUsed = core.now
        return isNew
    }

    /// Ends a session: its clients are closed with 1000 everywhere, its stream is gone. False when it is not known.
    func end(_ id: SessionID) -> Bool {
        guard let home = sessions[id] else { return false }
        flush(home)
        for worker in home.members.indices where home.members[worker].total > 0 && worker != core.index {
            core.post(.endSession(id), to: worker)
        }
        let isHere = home.members[core.index].total > 0
        forget(home)
        core.desk.sessionEnded(id)
        // Members leave while they close; their messages then find no session and are ignored.
        if isHere { core.fanOut.end(id) }
        return true
    }

    func info(_ id: SessionID) -> SessionInfo? { sessions[id].map(Self.info) }

    func all() -> [SessionInfo] { sessions.values.map(Self.info) }

    /// The first `limit` sessions behind `after`, by id: one look at each, whatever their number.
    func page(after: SessionID?, limit: Int) -> [SessionInfo] {
        var page: [HomeSession] = []
        for home in sessions.values where after.map({ home.id > $0 }) ?? true {
            if page.count == limit, let last = page.last, home.id > last.id { continue }
            var (low, high) = (0, page.count)
            while low < high {
                let middle = (low + high) / 2
                if page[middle].id < home.id { low = middle + 1 } else { high = middle }
            }
            page.insert(home, at: low)
            if page.count > limit { page.removeLast() }
        }
        return page.map(Self.info)
    }

    private static func info(_ home: HomeSession) -> SessionInfo {
        SessionInfo(
            id: home.id, registration: home.registration, connections: home.connections, lastID: home.stream.lastID,
            oldestID: home.stream.oldestID(kept: home.kept))
    }
}

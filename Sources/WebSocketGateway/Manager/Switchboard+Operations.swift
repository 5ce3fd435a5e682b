internal import EventLoop
internal import Sessions
internal import Synchronization
internal import WebSocket

/// What engines and embedding programs ask for, over all workers: the same calls serve ``WebSocketManager`` and the HTTP API.
extension Switchboard {
    /// An event of the Swift API takes the same way as one from an engine's request, checks included.
    func request(_ event: Event, session: SessionID?, reply: ReplyTo) throws(InvalidEvent) -> PublishRequest {
        let body = event.publishBody
        var limits = EventLimits()
        limits.eventBytesMax = eventBytesMax.load(ordering: .relaxed)
        let parsed = try EventParser.parse(body.span, format: .json, limits: limits)
        return PublishRequest(session: session, body: body, events: parsed.events, receivedAt: Clocks.monotonicNanoseconds, reply: reply)
    }

    func publish(_ event: Event, to session: SessionID) async throws -> PublishReceipt {
        // Refused before anything waits for it.
        let checked = try request(event, session: session, reply: .nobody)
        let result: Result<PublishReceipt, PublishRefusal> = await withCheckedContinuation { continuation in
            var request = checked
            request.reply = .publishCall { continuation.resume(returning: $0) }
            if !mailboxes[home(of: session)].post(.publish(request)) { continuation.resume(returning: .failure(.gatewayStopped)) }
        }
        return try result.get()
    }

    func broadcast(_ request: PublishRequest) async -> BroadcastReceipt {
        await withCheckedContinuation { continuation in Broadcast.start(request, on: self) { continuation.resume(returning: $0) } }
    }

    // MARK: One connection

    private func askWorker<T: Sendable>(of id: ConnectionID, _ body: @escaping @Sendable (WorkerCore) -> T) async -> T? {
        guard id.worker < mailboxes.count else { return nil }
        return await ask(id.worker, body)
    }

    /// Sends an event to one connection, without an id: it belongs to no stream. False when the connection is gone.
    func send(_ body: [UInt8], _ event: PublishedEvent, to id: ConnectionID) async -> Bool {
        await askWorker(of: id) { core in
            guard let client = core.client(id) else { return false }
            return client.sendOwn(OwnMessages.direct(event, of: body.span, now: core.wallTime, for: client.transport))
        } ?? false
    }

    func disconnect(_ id: ConnectionID) async -> Bool {
        await askWorker(of: id) { core in
            guard let client = core.client(id) else { return false }
            client.close(.normal, .disconnected, reason: "disconnected")
            return true
        } ?? false
    }

    func isConnected(_ id: ConnectionID) async -> Bool { await askWorker(of: id) { $0.client(id) != nil } ?? false }

    func metadata(of id: ConnectionID) async -> ConnectionMetadata? {
        await askWorker(of: id) { core in core.client(id).flatMap { ConnectionMetadata($0) } } ?? nil
    }

    /// The connection, or how it ended where that is still known.
    func lookUp(_ id: ConnectionID) async -> Result<ConnectionMetadata, Gone> {
        await askWorker(of: id) { core in
            if let metadata = core.client(id).flatMap({ ConnectionMetadata($0) }) { return .success(metadata) }
            return .failure(Gone(closure: core.closures[id]))
        } ?? .failure(Gone(closure: nil))
    }

    struct Gone: Error {
        let closure: ConnectionClosure?
    }

    /// Newest first. Each worker has the newest of its own.
    func recentClosures(of session: SessionID?, limit: Int) async -> [ConnectionClosure] {
        let found = await askAll { $0.closures.newest(limit, of: session) }.flatMap(\.self)
        return Array(found.sorted { $0.closedAt > $1.closedAt }.prefix(limit))
    }

    // MARK: A session's connections

    func connections(of session: SessionID) async -> [ConnectionMetadata] {
        await askAll { core in
            core.fanOut.connections(of: session).compactMap { core.client(at: $0).flatMap { ConnectionMetadata($0) } }
        }.flatMap(\.self)
    }

    func connectionCount(of session: SessionID?) async -> Int {
        if let session { return await askAll { $0.fanOut.count(of: session) }.reduce(0, +) }
        return Metric.kindsCounted.reduce(0) { total, label in
            total + Int(Int64(bitPattern: counters.reduce(0) { $0 &+ $1.value(.connections, label: label) }))
        }
    }

    /// Closes, with 4411, every connection not heard for longer than `maxAge`, and returns how many. Those that are never heard stay: the kernel
    /// watches over them.
    func cleanup(olderThanMilliseconds maxAge: UInt64) async -> Int {
        await askAll { core in
            let stale = core.clients.filter { $0.isOpen && $0.session != nil && $0.transport.isHeard && $0.silence(now: core.now) > maxAge }
            for client in stale {
                core.counters.add(.staleCloses)
                client.close(.stale, .cleanedUp, reason: "not heard for too long")
            }
            return stale.count
        }.reduce(0, +)
    }

    // MARK: Sessions

    func register(_ session: SessionID, _ change: @escaping @Sendable (SessionRegistration) -> SessionRegistration)
        async throws(PublishRefusal) -> Bool
    {
        let answer: Result<Bool?, StoreError>? = await askStored(home(of: session)) { $0.register(session, change) }
        switch answer {
        case nil: throw .gatewayStopped
        case .success(nil): throw .tooManySessions
        case .success(let isNew?): return isNew
        case .failure(.full(let reason)): throw .storeFull(reason)
        case .failure(.failed(let reason)): throw .storeFailed(reason)
        }
    }

    /// False when it is not known.
    func endSession(_ session: SessionID) async throws(PublishRefusal) -> Bool {
        switch await askStored(home(of: session), { $0.end(session) }) {
        case nil: return false
        case .success(let isKnown): return isKnown
        case .failure(.full(let reason)): throw .storeFull(reason)
        case .failure(.failed(let reason)): throw .storeFailed(reason)
        }
    }

    /// Changes something at a home, and answers when the change is stored. Nil when the worker has ended.
    private func askStored<T: Sendable>(_ worker: Int, _ body: @escaping @Sendable (SessionHome) -> T) async -> Result<T, StoreError>? {
        await withCheckedContinuation { continuation in
            let posted = mailboxes[worker].post(
                .call { core in
                    guard let core else { return continuation.resume(returning: nil) }
                    let result = body(core.home)
                    core.home.whenStored { error in continuation.resume(returning: error.map { .failure($0) } ?? .success(result)) }
                })
            if !posted { continuation.resume(returning: nil) }
        }
    }

    func info(_ session: SessionID) async -> SessionInfo? { await ask(home(of: session)) { $0.home.info(session) } ?? nil }

    func history(of session: SessionID, after: EventID?, limit: Int) async -> Result<SessionHistoryAnswer?, StoreError> {
        let read = await ask(home(of: session)) { $0.home.read(session, after: after, limit: limit) } ?? nil
        switch read {
        case nil: return .success(nil)
        case .answer(let answer): return .success(answer)
        case .inStore(let start, let resume):
            let events: Result<[StoredEvent], StoreError> = await withCheckedContinuation { continuation in
                let question = StoreMail.read(
                    session, after: start, eventsMax: limit, bytesMax: SessionHistoryAnswer.bytesMax, { continuation.resume(returning: $0) }
                )
                if !storeMailbox.post(question) { continuation.resume(returning: .failure(.failed("the store has ended"))) }
            }
            switch events {
            case .failure(let error): return .failure(error)
            case .success(let events):
                return .success(await ask(home(of: session)) { $0.home.answer(session, events, after: start, resume) } ?? nil)
            }
        }
    }

    /// One page by id, and whether more follow.
    func sessions(after: SessionID?, limit: Int) async -> (page: [SessionInfo], hasMore: Bool) {
        let found = await askAll { $0.home.page(after: after, limit: limit + 1) }.flatMap(\.self).sorted { $0.id < $1.id }
        return (Array(found.prefix(limit)), found.count > limit)
    }

    func sessions() async -> [SessionInfo] { await askAll { $0.home.all() }.flatMap(\.self).sorted { $0.id < $1.id } }
}

internal import EventLoop
internal import HistoryStore
public import Logging
@_exported public import Sessions
internal import Synchronization

/// A gateway inside a program: the existing system's manager, in its words, with the sockets, workers and HTTP API behind it.
///
///     let manager = try WebSocketManager(settings, logger: Logger(label: "gateway"))
///     let addresses = try await manager.start()
///     let receipt = try await manager.broadcastToSession("backtest-1", .aiThinking("…"))
///     await manager.stop()
///
/// Every method may be called from any thread or task, at any time between ``start()`` and ``stop()``; afterwards counts are 0, publishes throw
/// ``PublishRefusal/gatewayStopped``, and broadcasts to all return it. Calls return when the work is done on the workers, typically within some tens of microseconds.
public final class WebSocketManager: Sendable {
    let board: Switchboard
    private let threads = Locked<[LoopThread]>([])
    private let hasBegun = Atomic(false)
    private let storeThread = StoreThread()
    /// Of the control listener, where it has one.
    private let controlFile = Locked<UnixSocketFile?>(nil)

    /// Where the gateway listens.
    public struct Addresses: Sendable, Equatable {
        /// `HOST:PORT` of the public listener, with the port the kernel chose.
        public let listen: String
        /// `HOST:PORT` of the control listener, or its `unix:/PATH`; nil for the echo service.
        public let control: String?
    }

    /// Checks the settings; nothing is opened yet.
    /// - Throws: ``SettingsError``, naming the setting.
    public init(_ settings: GatewaySettings = GatewaySettings(), logger: Logger = Logger(label: "websocket-gateway")) throws(SettingsError)
    {
        let limit = ProcessResources.raiseDescriptorLimit()
        let memory = ProcessResources.memoryBytes
        let plan = try Plan(settings, descriptorLimit: limit, cores: ProcessResources.cores, memoryBytes: memory)
        board = Switchboard(plan, descriptorLimit: limit, memoryBytes: memory, log: GatewayLog(logger))
    }

    /// Client connections at once that the settings and the descriptor limit allow.
    public var connectionsMax: Int { board.running.withLock { $0.connectionsMax } }
    /// Workers, one thread each.
    public var workers: Int { board.startPlan.workers }

    // MARK: Life

    /// Opens both listeners and starts the workers. Returns once both accept; where a key set is at a URL, after its first fetch, however that ends.
    /// - Throws: ``StartError``, when an address is taken or cannot be used. Nothing is left open then.
    public func start() async throws(StartError) -> Addresses {
        guard !hasBegun.exchange(true, ordering: .relaxed), board.phase == .starting else {
            throw StartError(reason: "a gateway starts once; make a new one")
        }
        let plan = board.startPlan
        // An address that is taken is the likelier mistake, and the store stays as it was.
        let clients = try bind(.network(plan.listen))
        let controls: [BoundSocket]
        do throws(StartError) { controls = plan.settings.echoes ? [] : try bind(plan.control) } catch {
            for socket in clients { socket.close() }
            throw error
        }
        let stored: [[StoredSession]]
        do throws(StartError) {
            stored = try await startStore()
            try await board.keySet?.start(board.door, board.log)
            guard board.phase == .starting else { throw StartError(reason: "it was stopped before it had started") }
        } catch {
            for socket in clients + controls { socket.close() }
            removeControlFile()
            await storeThread.stop(board)
            throw error
        }
        for worker in 0..<plan.workers {
            let control = plan.settings.echoes ? nil : controls[worker]
            do {
                let thread = try await startWorker(worker, clients[worker], control, stored[worker])
                threads.withLock { $0.append(thread) }
            } catch {
                // A worker owns its sockets, and closes them when it fails. The others were never handed out.
                for socket in clients[(worker + 1)...] { socket.close() }
                for socket in controls.dropFirst(worker + 1) { socket.close() }
                await stop()
                throw StartError(reason: "cannot start a worker: \(error)")
            }
        }
        board.phase = .ready
        let control = controls.first.map { $0.address.isUnix ? plan.control : .network($0.address) }
        return Addresses(listen: clients[0].address.description, control: control?.description)
    }

    /// A socket for each worker.
    private func bind(_ endpoint: Endpoint) throws(StartError) -> [BoundSocket] {
        let plan = board.startPlan
        do throws(SystemError) {
            switch endpoint {
            case .network(let address): return try BoundSocket.bind(address, count: plan.workers, plan.connectionOptions)
            case .unix(let path):
                let (sockets, file) = try UnixSocketFile.bind(path, count: plan.workers)
                controlFile.withLock { $0 = file }
                return sockets
            }
        } catch {
            throw StartError(reason: "cannot listen on \(endpoint): \(Self.reason(error, endpoint))")
        }
    }

    private static func reason(_ error: SystemError, _ endpoint: Endpoint) -> String {
        switch endpoint {
        case .network where error.isAddressInUse:
            "\(error.reason); another program, perhaps another gateway, has it; choose another address (port 0: the kernel chooses)"
        case .unix where error.isAddressInUse:
            "\(error.reason); another program, perhaps another gateway, answers there; choose another path"
        case .unix where error.isNotSocket: "what is there is no socket, and is left alone; choose another path, or take it away"
        case .network: error.reason
        // Which of the steps failed tells what to do.
        case .unix: "\(error)"
        }
    }

    private func removeControlFile() {
        let file = controlFile.withLock { file in
            defer { file = nil }
            return file
        }
        file?.remove()
    }

    /// Opens the history, where it is kept, and returns what each worker is home to.
    private func startStore() async throws(StartError) -> [[StoredSession]] {
        let plan = board.startPlan
        guard let directory = plan.settings.dataDirectory else { return Array(repeating: [], count: plan.workers) }
        let state = try await storeThread.start(board) {
            try SQLiteHistory(
                directory: directory, durability: plan.durability,
                limits: StoreLimits(eventsMax: plan.history.eventsMax, bytesMax: plan.history.bytesMax))
        }
        if !state.wasClosed { board.log.storeWasNotClosed(plan.durability) }
        board.broadcastKeys.restore(state)
        var homes: [[StoredSession]] = Array(repeating: [], count: plan.workers)
        for session in state.sessions { homes[board.home(of: session.id)].append(session) }
        return homes
    }

    /// Starts a worker's thread and waits until it listens. The sockets are the worker's from here on, also when it fails.
    private func startWorker(_ worker: Int, _ client: BoundSocket, _ control: BoundSocket?, _ stored: [StoredSession]) async throws
        -> LoopThread
    {
        let board = board
        let started = Locked<LoopThread?>(nil)
        do {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                do throws(SystemError) {
                    let thread = try LoopThread { Self.runWorker(board, worker, client, control, stored) { continuation.resume(with: $0) } }
                    started.withLock { $0 = thread }
                } catch {
                    continuation.resume(throwing: error)
                }
            }
        } catch {
            if let thread = started.withLock({ $0 }) {
                thread.join()
            } else {
                client.close()
                control?.close()
            }
            throw error
        }
        return started.withLock { $0! }
    }

    /// The whole life of a worker's thread.
    private static func runWorker(
        _ board: Switchboard, _ worker: Int, _ client: BoundSocket, _ control: BoundSocket?, _ stored: [StoredSession],
        started: (Result<Void, any Error>) -> Void
    ) {
        let core: WorkerCore
        do throws(SystemError) {
            core = try WorkerCore(board, index: worker)
        } catch {
            client.close()
            control?.close()
            return started(.failure(error))
        }
        for session in stored { core.home.restore(session) }
        do throws(SystemError) {
            try core.listen(client, control: control)
        } catch {
            core.stop()
            core.run()
            return started(.failure(error))
        }
        started(.success(()))
        core.run()
    }

    /// Turns readiness off, stops accepting, closes every client with 1012 and waits until they are gone, at most the drain time-out.
    /// The gateway has stopped when it returns; until then publishing still works.
    public func drain() async {
        board.phase = .draining
        for mailbox in board.mailboxes { mailbox.post(.drain) }
        await join()
    }

    /// Stops at once: connections are cut.
    public func stop() async {
        board.phase = .stopped
        for mailbox in board.mailboxes { mailbox.post(.stop) }
        await join()
    }

    private func join() async {
        let threads = threads.withLock { threads in
            defer { threads = [] }
            return threads
        }
        await StoreThread.joined(threads)
        removeControlFile()
        await board.keySet?.stop()
        await storeThread.stop(board)
        board.phase = .stopped
        board.closeUnopened()
    }

    // MARK: Broadcasting

    /// Publishes an event to a session: it gets the next id of the session's stream and goes to every connection of it.
    /// - Returns: how many connections took it, and how many will when they can.
    /// - Throws: ``SessionIDError``, ``InvalidEvent``, ``PublishRefusal``. Nothing was published then.
    public func broadcastToSession(_ sessionID: String, _ event: Event) async throws -> PublishReceipt {
        try await board.publish(event, to: SessionID(sessionID))
    }

    /// Publishes an event to every session known.
    public func broadcastToAll(_ event: Event) async throws -> BroadcastReceipt {
        await board.broadcast(try board.request(event, session: nil, reply: .nobody))
    }

    /// Sends an event to one connection; it has no id, because it belongs to no stream.
    /// - Returns: false when the connection is gone.
    public func sendToConnection(_ connectionID: ConnectionID, _ event: Event) async throws -> Bool {
        let request = try board.request(event, session: nil, reply: .nobody)
        return await board.send(request.body, request.events[0], to: connectionID)
    }

    // MARK: Connections

    /// Closes a connection with 1000. False when it was gone already.
    @discardableResult
    public func disconnect(_ connectionID: ConnectionID) async -> Bool { await board.disconnect(connectionID) }

    public func isConnected(_ connectionID: ConnectionID) async -> Bool { await board.isConnected(connectionID) }

    /// The connections of one session, in no particular order; none for a session nobody watches.
    public func sessionConnections(_ sessionID: String) async throws(SessionIDError) -> [ConnectionID] {
        await board.connections(of: try SessionID(sessionID)).map(\.connectionID)
    }

    /// How many clients watch one session, or, without one, all of them.
    public func connectionCount(_ sessionID: String? = nil) async throws(SessionIDError) -> Int {
        guard let sessionID else { return await board.connectionCount(of: nil) }
        return await board.connectionCount(of: try SessionID(sessionID))
    }

    /// What is known of a connection; nil when it is gone.
    public func connectionMetadata(_ connectionID: ConnectionID) async -> ConnectionMetadata? { await board.metadata(of: connectionID) }

    /// How connections ended, newest first: at most `limit` (1 and more), of one session or of all. Each worker knows its newest 256.
    public func recentClosures(sessionID: String? = nil, limit: Int = 100) async throws(SessionIDError) -> [ConnectionClosure] {
        guard let sessionID else { return await board.recentClosures(of: nil, limit: max(1, limit)) }
        return await board.recentClosures(of: try SessionID(sessionID), limit: max(1, limit))
    }

    /// Closes, with 4411, every connection not heard for longer than `maxAge`; the gateway does the same by itself at the stale time-out.
    /// - Returns: how many were closed.
    public func cleanupStaleConnections(maxAge: Duration = .seconds(300)) async -> Int {
        let (seconds, attoseconds) = maxAge.components
        return await board.cleanup(
            olderThanMilliseconds: UInt64(clamping: min(seconds, 1_000_000_000)) * 1000
                + UInt64(clamping: attoseconds / 1_000_000_000_000_000))
    }

    // MARK: Sessions

    /// Registers a session, or puts the registration in place of the one it has. True when it was not registered before.
    /// - Throws: ``SessionIDError``; ``SettingsError`` where it asks for more history than ``GatewaySettings`` allow, or, with a data directory, for
    ///   none; ``PublishRefusal``.
    @discardableResult
    public func registerSession(_ sessionID: String, _ registration: SessionRegistration = SessionRegistration()) async throws -> Bool {
        try board.startPlan.check(registration.history)
        return try await board.register(try SessionID(sessionID)) { _ in registration }
    }

    /// Ends a session for good: its clients are closed with 1000. False when it is not known.
    /// - Throws: ``SessionIDError``, ``PublishRefusal``.
    @discardableResult
    public func endSession(_ sessionID: String) async throws -> Bool { try await board.endSession(try SessionID(sessionID)) }

    /// Every session known, by id.
    public func sessions() async -> [SessionInfo] { await board.sessions() }

    // MARK: Metrics

    /// What `/metrics` answers: Prometheus text format 0.0.4.
    public var metrics: String { board.metricsPage.text() }
}

/// Why a gateway could not start.
public struct StartError: Error, Sendable, Equatable, CustomStringConvertible {
    public let reason: String
    public var description: String { reason }
}

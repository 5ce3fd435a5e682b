import EventLoop
import Glibc
import HTTP
import Sessions
import Testing
import WebSocket

@testable import WebSocketGateway

/// Several workers on one thread, and clients on socket pairs whose bytes move only when the simulation says so: what happens next is decided by one
/// seed, so a failing seed fails again.
///
/// It knows what was published, and judges every message that a client gets: ids grow by one, what is left out was announced, and what policy left out
/// has a newer one that comes.
final class DeliverySimulation {
    /// What the simulation published to a session.
    final class Published {
        let id: SessionID
        /// Worker that is its home.
        let home: Int
        /// What was published since the session began, or began anew.
        var stream: SimulatedStream

        init(_ id: SessionID, home: Int, _ stream: SimulatedStream) {
            self.id = id
            self.home = home
            self.stream = stream
        }
    }

    private var generator: SeededGenerator
    private let board: Switchboard
    private let cores: [WorkerCore]
    private let sessions: [Published]
    private var clients: [SimulatedClient] = []
    /// Clients that left, who may come back.
    private var memories: [(session: Int, lastID: String)] = []
    private var streams: [SimulatedStream]
    private(set) var eventsJudged = 0
    private(set) var eventsConflated = 0
    private(set) var heartbeats = 0
    private(set) var eventsLost = 0
    private(set) var resumes = 0
    private(set) var seeks = 0
    /// What the memory budget did: queues left to the history, and connections closed.
    var queuesShed: UInt64 { board.counters.reduce(0) { $0 &+ $1.value(.queuesShed) } }
    var closedForMemory: UInt64 { board.counters.reduce(0) { $0 &+ $1.value(.slowCloses, label: 2) } }

    init(seed: UInt64, workers: Int, sessionCount: Int = 3) throws {
        generator = SeededGenerator(seed: seed)
        var settings = TestGateway.settings(workers: workers)
        settings.writeQueueBytesMax = Int.random(in: 4096...40_000, using: &generator)
        settings.historyEventsMax = Int.random(in: 1...400, using: &generator)
        settings.historyBytesMax = Int.random(in: 20_000...1_000_000, using: &generator)
        settings.connectionsPerSessionMax = 1000
        let board = try WebSocketManager(settings).switchboard
        self.board = board
        cores = try (0..<workers).map { try WorkerCore(board, index: $0) }
        // In every other run less than the clients that lag and the histories ask for.
        if seed.isMultiple(of: 2) {
            for core in cores {
                core.memory = MemoryShare(bytes: Int.random(in: 60_000...400_000, using: &generator))
                core.home.makeRoom(core.memory.historyRoom)
            }
        }
        // Which worker a name's home is differs from process to process; the simulation's sessions have the same homes in each.
        let streams = (0..<sessionCount).map { SimulatedStream(number: $0, policies: [:]) }
        self.streams = streams
        sessions = try (0..<sessionCount).map { number in
            let home = number % workers
            let name = (0...).lazy.map { "s\(number)-\($0)" }.first { (try? SessionID($0)).map(board.home(of:)) == home }!
            return Published(try SessionID(name), home: home, streams[number])
        }
    }

    private func random(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &generator) }

    // MARK: Steps

    func run(steps: Int) throws {
        for _ in 0..<steps {
            switch random(0...99) {
            case 0..<35: publish()
            case 35..<42: try connect()
            case 42..<46: try comeBack()
            case 46..<75: try read()
            case 75..<79: leave()
            case 79: end()
            case 80: changePolicies()
            case 81..<85: ping()
            case 85..<87: seek()
            default: turn()
            }
        }
        try settle()
    }

    private func publish() {
        let session = sessions[random(0...sessions.count - 1)]
        let count = random(1...8)
        let padding = random(0...20) == 0 ? 30_000 : random(0...3000)
        let events = (0..<count).map { _ in
            let (type, keys) = SimulatedStream.types[random(0...SimulatedStream.types.count - 1)]
            return session.stream.publish(type, key: keys[random(0...keys.count - 1)], padding: padding)
        }
        let bytes = Array(events.joined(separator: "\n").utf8)
        guard let parsed = try? EventParser.parse(bytes.span, format: .ndjson, limits: EventLimits()) else {
            preconditionFailure("a sound event")
        }
        let request = PublishRequest(
            session: session.id, body: bytes, events: parsed.events, receivedAt: Clocks.monotonicNanoseconds, reply: .nobody)
        // By the home's mailbox, where questions for the history wait beside it.
        board.mailboxes[session.home].post(.publish(request))
    }

    private func connect(_ session: Int? = nil, query: String? = nil) throws {
        guard clients.count < 40 else { return }
        let session = session ?? random(0...sessions.count - 1)
        let join = ["live", "all", "\(random(0...50))"][random(0...2)]
        let types: [String]? = [
            ["ai_decision"], ["price_update", "candle"], ["tick", "stats_update", "ai_decision"], nil, nil, nil, nil, nil,
        ][
            random(0...7)]
        let replays = random(0...3) == 0
        // Closed on exec: a process that another test starts would keep an end open, and nobody would see the client leave.
        var ends: [Int32] = [-1, -1]
        try #require(
            unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0)
        var bufferBytes = Int32(random(2048...60_000))
        unsafe setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &bufferBytes, socklen_t(MemoryLayout<Int32>.size))
        let client = SimulatedClient(
            session: session, descriptor: ends[1], types: types.map { Set($0) }, resumesFrom: query, replays: replays)
        clients.append(client)
        client.send(
            ClientHandshake.request(
                host: "localhost",
                target:
                    "/ws/backtest/\(sessions[session].id)?\(query.map { "last_event_id=\($0)" } ?? "join=\(join)")\(types.map { "&types=" + $0.joined(separator: ",") } ?? "")\(replays ? "&replay=max" : "")",
                key: ClientHandshake.makeKey(), headers: []))
        cores[random(0...cores.count - 1)].acceptClient(ends[0], SocketAddress(parsing: "127.0.0.1:9")!)
    }

    private func comeBack() throws {
        guard let memory = memories.popLast() else { return }
        resumes += 1
        try connect(memory.session, query: memory.lastID)
    }

    private func read() throws {
        guard !clients.isEmpty else { return }
        let index = random(0...clients.count - 1)
        try judge(clients[index], max: random(1...40_000))
        if clients[index].hasEnded { remove(index) }
    }

    private func leave() {
        guard !clients.isEmpty else { return }
        let index = random(0...clients.count - 1)
        if let last = clients[index].lastID, !clients[index].isFiltered { memories.append((clients[index].session, last)) }
        if random(0...1) == 0 { clients[index].send(FrameEncoder.maskedFrame(.close, [3, 232], maskingKey: 5)) }
        remove(index)
    }

    private func remove(_ index: Int) {
        close(clients[index].descriptor)
        clients.swapAt(index, clients.count - 1)
        clients.removeLast()
    }

    private func end() {
        guard random(0...3) == 0 else { return }
        let session = sessions[random(0...sessions.count - 1)]
        board.mailboxes[session.home].post(.call { [id = session.id] core in _ = core?.home.end(id) })
        newStream(session)
    }

    /// An ended session has forgotten what its engine said.
    private func newStream(_ session: Published) {
        session.stream = SimulatedStream(number: streams.count, policies: [:])
        streams.append(session.stream)
    }

    private func changePolicies() {
        let session = sessions[random(0...sessions.count - 1)]
        let policies: [EventType: DeliveryPolicy] = [
            [:], [EventType(rawValue: "tick")!: .latest, .priceUpdate: .deliver], [.candle: .latest, .positionUpdated: .latest],
        ][random(0...2)]
        session.stream.policies = policies
        board.mailboxes[session.home].post(
            .call { [id = session.id] core in _ = core?.home.register(id) { _ in SessionRegistration(policies: policies) } })
    }

    /// The answer counts what was delivered before it.
    private func ping() {
        guard !clients.isEmpty else { return }
        clients[random(0...clients.count - 1)].ping()
    }

    private func seek() {
        let replaying = clients.filter(\.replays)
        guard !replaying.isEmpty else { return }
        replaying[random(0...replaying.count - 1)].seek { random(1...$0) }
    }

    private func turn() { cores[random(0...cores.count - 1)].loop.runOnce() }

    // MARK: Judgement

    private func judge(_ client: SimulatedClient, max: Int) throws {
        for message in try client.receive(max: max) {
            switch try client.judge(message, of: streams) {
            case .event: eventsJudged += 1
            case .conflated(let count): eventsConflated += count
            case .heartbeat: heartbeats += 1
            case .sought: seeks += 1
            case .lost(let count): eventsLost += count
            case .other: break
            }
        }
    }

    /// Who replays is never live, and may have pages to go of which a filter leaves nothing.
    private var replaying: UInt64 { board.counters.reduce(0) { $0 &+ $1.value(.replaying) } }

    private var behind: UInt64 { board.counters.reduce(0) { $0 &+ $1.value(.behind) } }

    /// Everybody reads until nothing comes and nobody is behind: then nobody may be short of anything. A page of which a filter leaves nothing moves no
    /// byte, so silence alone does not say that all is done.
    private func settle() throws {
        var idleRounds = 0
        while idleRounds < (behind > 0 ? 10_000 : replaying > 0 ? 100 : 10) {
            let before = clients.reduce(0) { $0 + $1.bytesReceived }
            for core in cores { core.loop.runOnce() }
            for client in clients { try judge(client, max: 1 << 20) }
            idleRounds = clients.reduce(0) { $0 + $1.bytesReceived } == before ? idleRounds + 1 : 0
        }
        for client in clients where !client.hasEnded { try client.judgeEnd(sessions[client.session].stream) }
        for client in clients where !client.hasEnded && !client.isFiltered {
            let head = sessions[client.session].stream.count
            try #require(client.position == nil || client.position == head, "a client stands at \(client.position ?? -1) of \(head)")
            try #require(client.lastIDOfConnected != nil || client.position != nil || head == 0, "a client saw nothing of \(head)")
        }
        try #require(behind == 0, "\(behind) are still behind")
    }

    /// Ends the workers; everything they own is closed then.
    func stop() {
        for client in clients { close(client.descriptor) }
        for core in cores { core.stop() }
        for core in cores { core.run() }
    }
}

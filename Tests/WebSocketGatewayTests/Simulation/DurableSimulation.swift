import EventLoop
import Glibc
import HTTP
import Sessions
import Testing
import WebSocket

@testable import WebSocketGateway

/// As ``DeliverySimulation``, with a store: the gateway ends now and then, cleanly or in the middle, and goes on from what is there.
///
/// It holds the gateway to what engines were told: no id names two events, and under `commit` what was acknowledged is on the disk.
final class DurableSimulation {
    /// A session, and what engines were told of it.
    final class Published {
        let id: SessionID
        /// Worker that is its home.
        let home: Int
        /// The number that each acknowledged id stands for, since the session began or began anew.
        var acknowledged: [EventID: Int] = [:]

        init(_ id: SessionID, home: Int) {
            self.id = id
            self.home = home
        }
    }

    private var generator: SeededGenerator
    private let settings: GatewaySettings
    private let durability: Durability
    private var board: Switchboard
    private var cores: [WorkerCore] = []
    private var storeCore: StoreCore?
    private var store: SimulatedStore?
    private let disk = SimulatedStore.Disk()
    private var sessions: [Published] = []
    private var clients: [ResumingClient] = []
    /// Clients that left, who may come back.
    private var memories: [(session: Int, lastID: String)] = []
    /// Every id that anybody was told of, and the event's number.
    private var numbers: [String: Int] = [:]
    private var nextNumber = 0
    private var broadcasts = SimulatedBroadcasts()
    var broadcastRepeats: Int { broadcasts.repeats }
    private(set) var eventsJudged = 0
    private(set) var resumes = 0
    private(set) var restarts = 0
    private(set) var refusals = 0

    init(seed: UInt64, workers: Int, durability: Durability, sessionCount: Int = 3) throws {
        generator = SeededGenerator(seed: seed)
        self.durability = durability
        var settings = TestGateway.settings(workers: workers)
        settings.writeQueueBytesMax = Int.random(in: 4096...40_000, using: &generator)
        settings.historyEventsMax = Int.random(in: 1...400, using: &generator)
        // The rings forget what the store has.
        settings.historyBytesMax = Int.random(in: 20_000...200_000, using: &generator)
        settings.memoryBudgetBytes = workers << 20
        settings.dataDirectory = "/"
        settings.durability = durability
        settings.connectionsPerSessionMax = 1000
        self.settings = settings
        board = try WebSocketManager(settings).switchboard
        // Which worker a name's home is differs from process to process; the simulation's sessions have the same homes in each.
        let board = board
        sessions = try (0..<sessionCount).map { number in
            let home = number % workers
            let name = (0...).lazy.map { "s\(number)-\($0)" }.first { (try? SessionID($0)).map(board.home(of:)) == home }!
            return Published(try SessionID(name), home: home)
        }
        try start()
    }

    private func start() throws {
        cores = try board.mailboxes.indices.map { try WorkerCore(board, index: $0) }
        let store = SimulatedStore(disk, durability: durability, eventsMax: settings.historyEventsMax)
        let state = try StoreCore.remember(store)
        board.broadcastKeys.restore(state)
        for session in state.sessions { cores[board.home(of: session.id)].home.restore(session) }
        storeCore = try StoreCore(board, store)
        self.store = store
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
            case 80: try restart()
            case 81: fault()
            case 82: store?.sync()
            case 83..<86:
                broadcasts.send(on: board, number: nextNumber, using: &generator)
                nextNumber += 1
            default: turn()
            }
        }
        try settle()
    }

    private func publish() {
        let session = sessions[random(0...sessions.count - 1)]
        let count = random(1...8)
        let padding = random(0...20) == 0 ? 30_000 : random(0...3000)
        let first = nextNumber
        nextNumber += count
        let events = (first..<nextNumber).map { number in
            #"{"type":"\#(random(0...3) == 0 ? "ai_decision" : "candle")","data":{"n":\#(number),"p":"\#(String(repeating: "x", count: padding))"}}"#
        }
        let bytes = Array(events.joined(separator: "\n").utf8)
        guard let parsed = try? EventParser.parse(bytes.span, format: .ndjson, limits: EventLimits()) else {
            preconditionFailure("a sound event")
        }
        let (answers, id) = (answers, session.id)
        let request = PublishRequest(
            session: session.id, body: bytes, events: parsed.events, receivedAt: Clocks.monotonicNanoseconds,
            reply: .publishCall { result in
                answers.withLock { $0.append(Answer(session: id, firstNumber: first, result: result)) }
            })
        // By the home's mailbox, where questions for the history wait beside it.
        board.mailboxes[session.home].post(.publish(request))
    }

    /// An engine was told, and holds us to it.
    private struct Answer {
        let session: SessionID
        let firstNumber: Int
        let result: Result<PublishReceipt, PublishRefusal>
    }

    private let answers = Locked<[Answer]>([])

    private func hear() throws {
        refusals += broadcasts.hear()
        let heard = answers.withLock { answers in
            defer { answers = [] }
            return answers
        }
        for answer in heard {
            guard case .success(let receipt) = answer.result, let session = sessions.first(where: { $0.id == answer.session }) else {
                refusals += 1
                continue
            }
            for offset in 0..<receipt.count {
                let id = EventID(epoch: receipt.firstID.epoch, sequence: receipt.firstID.sequence + UInt64(offset))
                try name(id.description, answer.firstNumber + offset)
                session.acknowledged[id] = answer.firstNumber + offset
            }
        }
    }

    /// No id names two events.
    private func name(_ id: String, _ number: Int) throws {
        let known = numbers.updateValue(number, forKey: id)
        try #require(known == nil || known == number, "\(id) is event \(number) and was \(known ?? -1)")
    }

    // MARK: Ends and beginnings

    /// The gateway ends, cleanly or not, and another begins with what is on the disk.
    private func restart() throws {
        restarts += 1
        let isClean = random(0...1) == 0
        if isClean {
            // Whoever published is answered first, as by a drain.
            for _ in 0..<20 { turnAll() }
        } else {
            store?.kill()
        }
        try hear()
        for client in clients {
            if let last = client.lastID, !client.isFiltered { memories.append((client.socket.session, last)) }
            close(client.socket.descriptor)
        }
        clients = []
        end(cores)
        // What is answered now is answered by a gateway that is gone.
        if isClean { try hear() } else { answers.withLock { $0 = [] } }
        try broadcasts.judge(disk)
        if durability == .commit, store?.nextFault.isNone ?? true { try holdToAcknowledgements() }
        board = try WebSocketManager(settings).switchboard
        try start()
        broadcasts.restarted()
    }

    private func end(_ cores: [WorkerCore]) {
        for core in cores { core.stop() }
        for core in cores { core.run() }
        guard let storeCore else { return }
        board.storeMailbox.post(.stop)
        storeCore.run()
        self.storeCore = nil
    }

    /// Under `commit` what was acknowledged is on the disk, or went for the limits, or its session was ended.
    private func holdToAcknowledgements() throws {
        for session in sessions {
            guard let kept = disk.sessions[session.id] else {
                try #require(session.acknowledged.isEmpty, "\(session.id) is gone, with \(session.acknowledged.count) acknowledged events")
                continue
            }
            for (id, number) in session.acknowledged where id.sequence >= kept.oldest {
                try #require(id.epoch == kept.epoch, "\(id) is of another epoch than \(kept.epoch)")
                try #require(id.sequence <= kept.newest, "\(id) was acknowledged, and \(kept.newest) is the newest kept")
                let event = kept.events[Int(id.sequence - kept.oldest)]
                let text = String(decoding: event.body[event.event.dataRange].prefix(24), as: UTF8.self)
                try #require(text.hasPrefix("{\"n\":\(number),"), "\(id) is kept as \(text)")
            }
        }
    }

    private func fault() {
        switch random(0...9) {
        case 0...5: store?.nextFault = .full
        case 6 where durability == .commit: store?.nextFault = .failed(kept: random(0...1) == 0)
        default: break
        }
    }

    private func turnAll() {
        for core in cores { core.loop.runOnce() }
        storeCore?.loop.runOnce()
    }

    private func connect(_ session: Int? = nil, query: String? = nil) throws {
        guard clients.count < 40 else { return }
        let session = session ?? random(0...sessions.count - 1)
        let join = ["live", "all", "\(random(0...50))"][random(0...2)]
        let types = random(0...4) == 0 ? "&types=ai_decision" : ""
        // Closed on exec: a process that another test starts would keep an end open, and nobody would see the client leave.
        var ends: [Int32] = [-1, -1]
        try #require(
            unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0)
        var bufferBytes = Int32(random(2048...60_000))
        unsafe setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &bufferBytes, socklen_t(MemoryLayout<Int32>.size))
        let client = ResumingClient(session: session, descriptor: ends[1], isFiltered: !types.isEmpty, resumesFrom: query)
        clients.append(client)
        client.socket.send(
            ClientHandshake.request(
                host: "localhost",
                target: "/ws/backtest/\(sessions[session].id)?\(query.map { "last_event_id=\($0)" } ?? "join=\(join)")\(types)",
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
        if clients[index].socket.hasEnded { remove(index) }
    }

    private func leave() {
        guard !clients.isEmpty else { return }
        let index = random(0...clients.count - 1)
        if let last = clients[index].lastID, !clients[index].isFiltered { memories.append((clients[index].socket.session, last)) }
        if random(0...1) == 0 { clients[index].socket.send(FrameEncoder.maskedFrame(.close, [3, 232], maskingKey: 5)) }
        remove(index)
    }

    private func remove(_ index: Int) {
        close(clients[index].socket.descriptor)
        clients.swapAt(index, clients.count - 1)
        clients.removeLast()
    }

    private func end() {
        guard random(0...3) == 0 else { return }
        let session = sessions[random(0...sessions.count - 1)]
        board.mailboxes[session.home].post(.call { [id = session.id] core in _ = core?.home.end(id) })
        for _ in 0..<20 { turnAll() }
        answers.withLock { $0.removeAll { $0.session == session.id } }
        session.acknowledged = [:]
    }

    private func turn() {
        let index = random(0...cores.count)
        if index < cores.count { cores[index].loop.runOnce() } else { storeCore?.loop.runOnce() }
    }

    // MARK: Judgement

    private func judge(_ client: ResumingClient, max: Int) throws {
        for message in try client.socket.receive(max: max) {
            guard let (id, number) = try client.judge(message) else { continue }
            eventsJudged += 1
            try name(id, number)
        }
    }

    private var behind: UInt64 { board.counters.reduce(0) { $0 &+ $1.value(.behind) } }

    /// Everybody reads until nothing comes and nobody is behind: then nobody may be short of anything. A page of which a filter leaves nothing moves no
    /// byte, so silence alone does not say that all is done.
    private func settle() throws {
        var idleRounds = 0
        while idleRounds < (behind == 0 ? 10 : 10_000) {
            let before = clients.reduce(0) { $0 + $1.socket.bytesReceived }
            turnAll()
            for client in clients { try judge(client, max: 1 << 20) }
            idleRounds = clients.reduce(0) { $0 + $1.socket.bytesReceived } == before ? idleRounds + 1 : 0
        }
        try hear()
        for client in clients where !client.socket.hasEnded && !client.isFiltered {
            let session = sessions[client.socket.session]
            let head = Int(cores[session.home].home.info(session.id)?.lastID?.sequence ?? 0)
            try #require(client.position == nil || client.position == head, "a client stands at \(client.position ?? -1) of \(head)")
            try #require(client.isConnected, "a client was not let in")
        }
        try #require(behind == 0, "\(behind) are still behind")
    }

    /// Ends the workers; everything they own is closed then.
    func stop() {
        for client in clients { close(client.socket.descriptor) }
        end(cores)
    }
}

/// Comes back with the last id it had, and holds the gateway to what it has seen.
final class ResumingClient {
    let socket: SimulatedClient
    let isFiltered: Bool
    private let resumesFrom: String?
    private(set) var isConnected = false
    private(set) var lastID: String?
    /// The sequence it has everything up to; nil before the first.
    private(set) var position: Int?

    init(session: Int, descriptor: Int32, isFiltered: Bool, resumesFrom: String?) {
        socket = SimulatedClient(session: session, descriptor: descriptor, types: nil, resumesFrom: nil)
        self.isFiltered = isFiltered
        self.resumesFrom = resumesFrom
    }

    /// An event's id and number; nil for any other message.
    func judge(_ message: JSON) throws -> (id: String, number: Int)? {
        let data = message["data"] ?? .null
        switch message["type"]?.stringValue {
        case "connected":
            isConnected = true
            if let resumesFrom, data["resume"]?["recovered"]?.boolValue == true {
                (lastID, position) = (resumesFrom, try EventID(parsing: resumesFrom).sequence.asInt)
            }
            return nil
        case "lost":
            let first = try sequence(data["first_id"])
            if let position { try #require(isFiltered ? first > position : first == position + 1, "lost from \(first) behind \(position)") }
            position = try sequence(data["last_id"])
            return nil
        default:
            guard let id = message["id"]?.stringValue else { return nil }
            let event = try EventID(parsing: id)
            if let lastID { try #require(try EventID(parsing: lastID).epoch == event.epoch, "\(id) behind \(lastID)") }
            if let position {
                let isNext = isFiltered ? event.sequence.asInt > position : event.sequence.asInt == position + 1
                try #require(isNext, "\(id) behind \(position)")
            }
            (lastID, position) = (id, event.sequence.asInt)
            return (id, Int(try #require(data["n"]?.intValue)))
        }
    }

    private func sequence(_ id: JSON?) throws -> Int { try EventID(parsing: #require(id?.stringValue)).sequence.asInt }
}

extension UInt64 {
    fileprivate var asInt: Int { Int(clamping: self) }
}

extension SimulatedStore.Fault {
    var isNone: Bool { if case .none = self { true } else { false } }
}

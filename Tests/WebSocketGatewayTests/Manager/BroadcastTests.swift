import EventLoop
import Sessions
import Testing

@testable import WebSocketGateway

@Suite("A broadcast over workers that are turned by hand")
struct BroadcastTests {
    /// Workers and their store. Ends with `stop`, and may begin again with what is on the disk.
    private final class Workers {
        let board: Switchboard
        let cores: [WorkerCore]
        let store: SimulatedStore
        private let storeCore: StoreCore

        init(_ count: Int, _ disk: SimulatedStore.Disk, _ durability: Durability) throws {
            var settings = TestGateway.settings(workers: count)
            settings.dataDirectory = "/"
            settings.durability = durability
            let board = try WebSocketManager(settings).switchboard
            self.board = board
            cores = try (0..<count).map { try WorkerCore(board, index: $0) }
            store = SimulatedStore(disk, durability: durability, eventsMax: 100)
            let state = try StoreCore.remember(store)
            board.broadcastKeys.restore(state)
            for session in state.sessions { cores[board.home(of: session.id)].home.restore(session) }
            storeCore = try StoreCore(board, store)
        }

        func turnAll(_ times: Int = 10) {
            for _ in 0..<times {
                for core in cores { core.loop.runOnce() }
                storeCore.loop.runOnce()
            }
        }

        func turn(_ worker: Int) {
            cores[worker].loop.runOnce()
            storeCore.loop.runOnce()
            cores[worker].loop.runOnce()
        }

        /// One session on each worker, with an event of its own.
        func open(_ name: String) throws {
            for worker in cores.indices {
                let id = try (0...).lazy.map { "\(name)-\(worker)-\($0)" }.first { try board.home(of: SessionID($0)) == worker }!
                let request = try board.request(Event(type: .candle, data: [:]), session: SessionID(id), reply: .nobody)
                board.mailboxes[worker].post(.publish(request))
            }
            turnAll()
        }

        func broadcast(_ key: String, number: Int64 = 0, _ answers: Locked<[BroadcastReceipt]>) throws {
            var request = try board.request(Event(type: .candle, data: ["n": .int(number)]), session: nil, reply: .nobody)
            request.key = PublishKey(ofBroadcast: key, body: request.body)
            Broadcast.start(request, on: board) { receipt in answers.withLock { $0.append(receipt) } }
        }

        func stop() {
            for core in cores { core.stop() }
            for core in cores { core.run() }
            board.storeMailbox.post(.stop)
            storeCore.run()
        }
    }

    /// How many events of broadcasts each session has, whatever its name.
    private func counts(_ disk: SimulatedStore.Disk) -> [Int] {
        disk.sessions.values.map { session in
            session.events.filter { String(decoding: $0.body[$0.event.dataRange], as: UTF8.self).contains("n") }.count
        }
    }

    private func receipt(_ sessions: Int) -> BroadcastReceipt {
        BroadcastReceipt(sessions: sessions, connections: 0, sent: 0, queued: 0)
    }

    @Test func `the workers' counts are summed, and the first refusal stands for all`() {
        let receipt = Receipt(.nobody)
        receipt.sessions = 2
        receipt.totals = EventCounts(connections: 15, sent: 1, queued: 2, behind: 3, conflated: 4, dropped: 5)
        var total = receipt.broadcastReceipt
        #expect(total == BroadcastReceipt(sessions: 2, connections: 15, sent: 1, queued: 5, conflated: 4, dropped: 5))
        total += BroadcastReceipt(
            sessions: 10, connections: 20, sent: 30, queued: 40, conflated: 50, dropped: 60, refusal: .gatewayStopped)
        total += .refused(.storeFull(""))
        #expect(
            total
                == BroadcastReceipt(
                    sessions: 12, connections: 35, sent: 31, queued: 45, conflated: 54, dropped: 65, refusal: .gatewayStopped))
    }

    @Test(arguments: [Durability.commit, .relaxed])
    func `two at once with one key are one, and both are told when all sessions have it`(durability: Durability) throws {
        let disk = SimulatedStore.Disk()
        let workers = try Workers(3, disk, durability)
        defer { workers.stop() }
        try workers.open("a")
        let answers = Locked<[BroadcastReceipt]>([])
        try workers.broadcast("k", answers)
        try workers.broadcast("k", answers)
        workers.turn(1)
        try workers.broadcast("k", answers)
        try workers.broadcast("k", number: 2, answers)
        #expect(answers.withLock { $0 } == [.refused(.keyReused)], "another body is refused at once")
        workers.turn(2)
        #expect(answers.withLock { $0.count } == 1, "one worker has not done its part")
        workers.turnAll()
        #expect(answers.withLock { $0 }.dropFirst() == [receipt(3), receipt(3), receipt(3)])
        try workers.open("b")
        try workers.broadcast("k", answers)
        #expect(answers.withLock { $0 }.last == receipt(3), "what is done is answered at once, and reaches nobody new")
        workers.turnAll()
        #expect(counts(disk).sorted() == [0, 0, 0, 1, 1, 1])
        #expect(workers.board.counters.reduce(0) { $0 + $1.value(.publishesRepeated) } == 3)
    }

    @Test(arguments: 0...3)
    func `one that was cut off in the middle is finished by its repetition, once in each session`(workersDone: Int) throws {
        let disk = SimulatedStore.Disk()
        let answers = Locked<[BroadcastReceipt]>([])
        do {
            let workers = try Workers(3, disk, .commit)
            try workers.open("a")
            try workers.broadcast("k", answers)
            for worker in 0..<workersDone { workers.turn(worker) }
            workers.store.kill()
            workers.stop()
        }
        #expect(counts(disk).reduce(0, +) == workersDone)
        answers.withLock { $0 = [] }
        for _ in 0..<2 {
            // Homes are elsewhere in another process.
            let workers = try Workers(2, disk, .commit)
            defer { workers.stop() }
            if disk.sessions.count == 3 { try workers.open("b") }
            if workersDone > 0 {
                try workers.broadcast("k", number: 2, answers)
                #expect(answers.withLock { $0 } == [.refused(.keyReused)])
            }
            try workers.broadcast("k", answers)
            workers.turnAll()
            #expect(answers.withLock { $0.last } == receipt(5))
            #expect(counts(disk) == [1, 1, 1, 1, 1], "those who came before it was finished have it as well")
            answers.withLock { $0 = [] }
        }
    }

    @Test func `one of which a worker's part was refused is unfinished, and its repetition finishes it`() throws {
        let disk = SimulatedStore.Disk()
        let workers = try Workers(3, disk, .commit)
        defer { workers.stop() }
        try workers.open("a")
        let answers = Locked<[BroadcastReceipt]>([])
        try workers.broadcast("k", answers)
        workers.turn(0)
        workers.store.nextFault = .full
        workers.turn(1)
        workers.turnAll()
        let first = try #require(answers.withLock { $0.last })
        #expect(first.sessions == 2 && first.refusal == .storeFull("the simulation's disk is full"))
        #expect(counts(disk).sorted() == [0, 1, 1])
        try workers.open("b")
        try workers.broadcast("k", answers)
        try workers.broadcast("k", answers)
        workers.turnAll()
        #expect(answers.withLock { $0 }.dropFirst() == [receipt(6), receipt(6)])
        #expect(counts(disk) == [1, 1, 1, 1, 1, 1])
    }

    @Test func `one of which nothing was published is remembered by nobody`() throws {
        let disk = SimulatedStore.Disk()
        let workers = try Workers(1, disk, .commit)
        defer { workers.stop() }
        try workers.open("a")
        let answers = Locked<[BroadcastReceipt]>([])
        workers.store.nextFault = .full
        try workers.broadcast("k", number: 1, answers)
        workers.turnAll()
        #expect(answers.withLock { $0.last?.isNothing } == true)
        try workers.broadcast("k", number: 2, answers)
        workers.turnAll()
        #expect(answers.withLock { $0.last } == receipt(1))
        #expect(counts(disk) == [1])
    }

    @Test func `where the last commit fails the answer is true, and a restart finds every session's key`() throws {
        let disk = SimulatedStore.Disk()
        let answers = Locked<[BroadcastReceipt]>([])
        do {
            let workers = try Workers(1, disk, .commit)
            try workers.open("a")
            try workers.broadcast("k", answers)
            workers.turn(0)
            workers.store.nextFault = .full
            workers.turnAll()
            #expect(answers.withLock { $0 } == [receipt(1)])
            #expect(disk.broadcastKeys.isEmpty)
            workers.stop()
        }
        let workers = try Workers(2, disk, .commit)
        defer { workers.stop() }
        try workers.broadcast("k", answers)
        workers.turnAll()
        #expect(answers.withLock { $0 } == [receipt(1), receipt(1)])
        #expect(counts(disk) == [1])
    }

    @Test func `a stop refuses what was not done`() throws {
        let workers = try Workers(2, SimulatedStore.Disk(), .commit)
        let answers = Locked<[BroadcastReceipt]>([])
        try workers.broadcast("k", answers)
        try workers.broadcast("k", answers)
        workers.stop()
        try workers.broadcast("l", answers)
        #expect(answers.withLock { $0 } == Array(repeating: .refused(.gatewayStopped), count: 3))
    }
}

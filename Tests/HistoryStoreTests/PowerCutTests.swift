import CFaultVFS
import HistoryStore
import Sessions
import Testing

@Suite("The power goes")
struct PowerCutTests {
    private static let limits = StoreLimits(eventsMax: 300, bytesMax: .max)

    @Test(arguments: 0..<60 as Range<UInt64>)
    func `every acknowledged commit is there, and nothing by halves`(seed: UInt64) throws {
        try Run(seed: seed, durability: .commit, limits: Self.limits).run()
    }

    @Test(arguments: 1_000..<1_030 as Range<UInt64>)
    func `under relaxed what is there ends with some commit, and an end that was not clean is known`(seed: UInt64) throws {
        try Run(seed: seed, durability: .relaxed, limits: Self.limits).run()
    }

    /// One disk, and a few lives of a store on it, most of which the power ends.
    private final class Run {
        private static let ids = (0..<3).map { try! SessionID("s\($0)") }

        private let durability: Durability
        private let limits: StoreLimits
        private let seed: UInt64
        private let directory: TemporaryDirectory
        private let layer = FaultLayer()
        private var random: SeededGenerator
        /// What may be found: one of these.
        private var possible = [KeptModel()]
        private var isClosed = true

        init(seed: UInt64, durability: Durability, limits: StoreLimits) throws {
            (self.seed, self.durability, self.limits) = (seed, durability, limits)
            random = SeededGenerator(seed: seed)
            directory = try TemporaryDirectory()
        }

        func run() throws {
            for life in 0..<4 {
                let reach = Bool.random(using: &random) ? 60 : 1_500
                layer.fail(FAULT_CHANGE, nth: Int.random(in: 1...reach, using: &random), FAULT_POWER)
                try live()
                let mode = [CUT_NOTHING, CUT_PREFIX, CUT_SECTORS].randomElement(using: &random)!
                #expect(layer.cutPower(mode, seed: random.next()))
                try check("seed \(seed), life \(life), \(mode)")
            }
        }

        /// Until the power goes, or a while.
        private func live() throws {
            // From the first change on an end is only clean by close.
            isClosed = false
            let history: SQLiteHistory
            do throws(StoreOpenError) { history = try open() } catch { return }
            var model = possible[0]
            do throws(StoreError) {
                for _ in 0..<Int.random(in: 1...120, using: &random) {
                    let changes = (0..<Int.random(in: 1...4, using: &random)).map { _ in change(&model) }
                    possible.append(model)
                    _ = try history.commit(changes)
                    if durability == .commit { possible = [model] }
                    if history.hasMoreToDrop { _ = try history.expire(eventsBefore: .distantPast, keysBefore: .distantPast) }
                }
            } catch { return }
            guard Bool.random(using: &random) else { return }
            let changes = layer.count(FAULT_CHANGE)
            history.close()
            // Where nothing failed in it, all of it is there whatever happens then.
            if try RawState.isClosed(directory), layer.count(FAULT_CHANGE) > changes { (possible, isClosed) = ([model], true) }
        }

        private func open() throws(StoreOpenError) -> SQLiteHistory {
            try SQLiteHistory(directory: directory.path, durability: durability, limits: limits, vfs: layer.name)
        }

        private func check(_ context: String) throws {
            let history = try open()
            let state = try history.load()
            #expect(state.wasClosed || !isClosed, "\(context)")
            var differences: [String] = []
            for model in possible {
                guard let difference = try model.difference(from: history, state, limits: limits) else {
                    // An older state than the last, and taken for whole: ids would be given twice.
                    if state.wasClosed {
                        let isLast = model == possible.last
                        #expect(isLast, "\(context)")
                    }
                    possible = [model]
                    history.close()
                    isClosed = true
                    let integrity = try RawDatabase(directory.file).rows("PRAGMA integrity_check")
                    #expect(integrity == [["ok"]], "\(context)")
                    return
                }
                differences.append(difference)
            }
            Issue.record("\(context): none of \(possible.count) states: \(differences)")
            throw CancellationError()
        }

        private func change(_ model: inout KeptModel) -> StoreChange {
            let id = Self.ids.randomElement(using: &random)!
            let session = model.sessions[id]
            var change: StoreChange
            switch Int.random(in: 0..<20, using: &random) {
            case _ where session?.epoch == nil, 0: change = .begin(id, Epoch.random(using: &random))
            case 1: change = .register(id, Bool.random(using: &random) ? Array("{\"n\":\(random.next())}".utf8) : nil)
            case 2:
                let key = StoredKey(
                    key: "k\(UInt8.random(in: 0...9, using: &random))", digest: random.next(), firstSequence: 1, count: 1,
                    publishedAt: Timestamp(microsecondsSince1970: 5))
                change = Bool.random(using: &random) ? .key(id, key) : .broadcast(key)
            case 3 where Bool.random(using: &random): change = .delete(id)
            default:
                let newest = UInt64(session?.events.count ?? 0)
                let data = "{\"r\":\"" + String(repeating: "\(random.next())", count: Int.random(in: 0...150, using: &random)) + "\"}"
                let events = (1...UInt64.random(in: 1...25, using: &random)).map {
                    KeptEvent(newest + $0, at: Int64($0), data: data).stored
                }
                change = .append(id, events)
            }
            model.apply([change])
            return change
        }
    }
}

private enum RawState {
    /// A closed history has no log left.
    static func isClosed(_ directory: TemporaryDirectory) throws -> Bool { try !directory.names().contains("history.sqlite3-wal") }
}

import CFaultVFS
import CSQLite
import HistoryStore
import Sessions
import Testing

@Suite("A disk that fails")
struct FaultTests {
    private let directory: TemporaryDirectory
    private let layer = FaultLayer()

    init() throws { directory = try TemporaryDirectory() }

    private func open(_ durability: Durability = .commit, _ limits: StoreLimits = .wide) throws -> SQLiteHistory {
        try SQLiteHistory(directory: directory.path, durability: durability, limits: limits, vfs: layer.name)
    }

    private static let data = "{\"a\":\"" + String(repeating: "x", count: 2_000) + "\"}"

    /// Several pages and tables at once.
    private static func changes(from sequence: UInt64) -> [StoreChange] {
        let key = StoredKey(
            key: "k\(sequence)", digest: sequence, firstSequence: sequence, count: 100, publishedAt: Timestamp(microsecondsSince1970: 1))
        return [
            .begin(second, nextEpoch), .delete(second), .begin(second, nextEpoch), .append(second, 1...3),
            .append(first, sequence...(sequence + 99), data: data), .key(first, key),
        ]
    }

    @Test func `a full disk changes nothing, and what is tried again when there is room succeeds`() throws {
        let history = try open(.commit, StoreLimits(eventsMax: 120, bytesMax: .max))
        _ = try history.commit([.begin(first, epoch), .begin(second, epoch)] + [.append(first, 1...150), .append(second, 1...5)])
        var nth = 1
        while nth < 1_000 {
            layer.fail(FAULT_WRITE, nth: nth, FAULT_FULL)
            let before = try (history.kept(first), history.kept(second), history.load())
            let writes = layer.count(FAULT_WRITE)
            do throws(StoreError) {
                _ = try history.commit(Self.changes(from: before.0.last!.sequence + 1))
                // Beyond the last write of a commit.
                if layer.count(FAULT_WRITE) - writes < nth { break }
            } catch {
                guard case .full = error else { throw error }
                #expect(try history.kept(first) == before.0)
                #expect(try history.kept(second) == before.1)
                #expect(try history.load() == before.2)
            }
            nth += 1
        }
        #expect(nth > 30)
        layer.fail(FAULT_WRITE, nth: 0, FAULT_FULL)
        let kept = try history.kept(first)
        history.close()
        let again = try open()
        #expect(try again.load().wasClosed)
        #expect(try again.kept(first) == kept)
        #expect(try again.sequences(second) == [1, 2, 3])
    }

    @Test(arguments: [FAULT_WRITE, FAULT_SYNC])
    func `after a failed write or sync nothing is written ever again`(operation: fault_operation) throws {
        var failures = 0
        for nth in [1, 2, 3, 10, 40] {
            let directory = try TemporaryDirectory()
            let layer = FaultLayer()
            let history = try SQLiteHistory(directory: directory.path, durability: .commit, limits: .wide, vfs: layer.name)
            _ = try history.commit([.begin(first, epoch), .append(first, 1...10)])
            layer.fail(operation, nth: nth, FAULT_IO)
            var acknowledged: UInt64 = 10
            do throws(StoreError) {
                while acknowledged < 5_000 {
                    _ = try history.commit([.append(first, (acknowledged + 1)...(acknowledged + 5), data: Self.data)])
                    acknowledged += 5
                }
            } catch {
                failures += 1
                guard case .failed = error else { throw error }
                let changes = layer.count(FAULT_CHANGE)
                #expect(throws: error) { try history.commit([.append(first, (acknowledged + 1)...(acknowledged + 1))]) }
                #expect(throws: error) { try history.kept(first) }
                #expect(throws: error) { try history.expire(eventsBefore: .distantPast, keysBefore: .distantPast) }
                history.close()
                #expect(layer.count(FAULT_CHANGE) == changes)
            }
            let again = try SQLiteHistory(directory: directory.path, durability: .commit, limits: .wide, vfs: layer.name)
            #expect(try !again.load().wasClosed)
            // What was not acknowledged is there whole, or not at all.
            let newest = try again.load().sessions[0].range.newest
            #expect(newest == acknowledged || newest == acknowledged + 5)
        }
        #expect(failures == 5)
    }

    @Test(arguments: [Durability.commit, .relaxed])
    func `a sync that fails while the log is written into the file is told by the next call`(durability: Durability) throws {
        let history = try open(durability)
        _ = try history.commit([.begin(first, epoch)])
        var sequence: UInt64 = 0
        func commit() throws(StoreError) {
            _ = try history.commit([.append(first, (sequence + 1)...(sequence + 50), data: Self.data)])
            sequence += 50
        }
        // Up to the commit whose log is long enough.
        let quiet = durability == .commit ? 1 : 0
        var syncs = 0
        repeat {
            let before = layer.count(FAULT_SYNC)
            try commit()
            syncs = layer.count(FAULT_SYNC) - before
        } while syncs == quiet
        #expect(syncs == quiet + 2)
        // The next one: in the log it goes well.
        layer.fail(FAULT_SYNC, nth: quiet + 1, FAULT_IO)
        let error = try #require(#expect(throws: StoreError.self) { while sequence < 20_000 { try commit() } })
        guard case .failed = error else { throw error }
    }

    @Test func `a failed sync under commit is not asked again`() throws {
        let history = try open()
        _ = try history.commit([.begin(first, epoch)])
        layer.fail(FAULT_SYNC, nth: 1, FAULT_IO)
        let syncs = layer.count(FAULT_SYNC)
        let error = try #require(#expect(throws: StoreError.self) { try history.commit([.append(first, 1...1)]) })
        guard case .failed(let reason) = error else { throw error }
        #expect(reason.contains("history.sqlite3: disk I/O error"))
        #expect(layer.count(FAULT_SYNC) == syncs + 1)
    }

    @Test func `somebody else's write lock is waited for, and then told as for now`() throws {
        let history = try open()
        _ = try history.commit([.begin(first, epoch)])
        let other = try RawDatabase(directory.file)
        try other.run("BEGIN IMMEDIATE")
        let error = try #require(#expect(throws: StoreError.self) { try history.commit([.append(first, 1...1)]) })
        guard case .full = error else { throw error }
        try other.run("ROLLBACK")
        _ = try history.commit([.append(first, 1...1)])
        #expect(try history.sequences(first) == [1])
    }

    @Test func `a disk that is full while a history begins leaves nothing behind`() throws {
        var nth = 1
        while nth < 100 {
            let directory = try TemporaryDirectory()
            layer.fail(FAULT_WRITE, nth: nth, FAULT_FULL)
            do throws(StoreOpenError) {
                _ = try SQLiteHistory(directory: directory.path, durability: .commit, limits: .wide, vfs: layer.name)
                break
            } catch {
                #expect(error.description.contains("no room"), "\(error)")
            }
            layer.fail(FAULT_WRITE, nth: 0, FAULT_FULL)
            _ = try SQLiteHistory(directory: directory.path, durability: .commit, limits: .wide, vfs: layer.name)
            nth += 1
        }
        #expect(nth > 10)
    }
}

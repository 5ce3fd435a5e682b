import HistoryStore
import Sessions
import Testing

@Suite("The history in SQLite")
struct SQLiteHistoryTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func open(_ durability: Durability = .commit, _ limits: StoreLimits = .wide) throws -> SQLiteHistory {
        try SQLiteHistory(directory: directory.path, durability: durability, limits: limits)
    }

    private static let strange = [
        KeptEvent(1),
        KeptEvent(2, at: 1_773_570_600_123_456, type: "a", timestamp: "", key: "k", data: #"{"a":"\u0000\ud800\"\\"}"#),
        KeptEvent(3, at: -5, type: "x_9", timestamp: #"2026-03-15T10:30:00\u002b01:00"#, data: "{\"é\":\"🙂\u{2028}\"}"),
        KeptEvent(4, key: #"\"';--"#, data: "{\"long\":\"" + String(repeating: "0123456789", count: 30_000) + "\"}"),
        KeptEvent(5, at: .max, timestamp: "not a time", key: String(repeating: "ü", count: 128), data: "{ \"a\" : [ 1e400 , -0.0 ] }"),
    ]

    @Test(arguments: [Durability.commit, .relaxed])
    func `events come back as they were, now and after a restart`(durability: Durability) throws {
        var history = try open(durability)
        #expect(try history.load() == StoredState(sessions: [], wasClosed: true, mayHaveLostEvents: false))
        #expect(try history.commit([.begin(first, epoch), .append(first, Self.strange.map(\.stored))]) == [])
        #expect(try history.kept(first) == Self.strange)
        history.close()
        history = try open(durability)
        #expect(try history.kept(first) == Self.strange)
        #expect(try history.kept(first, after: 3) == Array(Self.strange[3...]))
        #expect(try history.read(first, after: 0, eventsMax: 9, bytesMax: .max)[0].event.metricIndex == EventType.candle.metricIndex)
    }

    @Test func `a restart goes on where it ended, with everything that was said`() throws {
        var history = try open()
        let key = StoredKey(
            key: "order 7 – ü", digest: .max - 3, firstSequence: 2, count: 2, publishedAt: Timestamp(microsecondsSince1970: 77))
        _ = try history.commit([
            .begin(first, epoch), .append(first, 1...3), .key(first, key), .register(first, Array(#"{"kind":"x"}"#.utf8)),
        ])
        _ = try history.commit([.register(second, Array("{}".utf8))])
        history.close()
        history = try open()
        let state = try history.load()
        #expect(state.wasClosed && !state.mayHaveLostEvents)
        #expect(
            state.sessions == [
                StoredSession(
                    id: first, epoch: epoch, range: StoredRange(session: first, oldest: 1, newest: 3),
                    registration: Array(#"{"kind":"x"}"#.utf8), keys: [key]),
                StoredSession(
                    id: second, epoch: nil, range: StoredRange(session: second, oldest: 1, newest: 0), registration: Array("{}".utf8),
                    keys: []),
            ])
        _ = try history.commit([.append(first, 4...5), .begin(second, nextEpoch), .append(second, 1...1), .register(first, nil)])
        #expect(try history.sequences(first) == [1, 2, 3, 4, 5])
        #expect(try history.load().sessions.map(\.registration) == [nil, Array("{}".utf8)])
        #expect(try history.load().sessions.map(\.epoch) == [epoch, nextEpoch])
    }

    @Test func `keys come back by their age, and not more of them than are remembered`() throws {
        let history = try open()
        let keys = (0..<StoredKey.countMax + 5).map { number in
            StoredKey(
                key: "\((number * 7919) % 1_000_003)", digest: 1, firstSequence: UInt64(number + 1), count: 1,
                publishedAt: Timestamp(microsecondsSince1970: Int64(number / 3)))
        }
        _ = try history.commit([.begin(first, epoch)] + keys.map { .key(first, $0) })
        #expect(try history.load().sessions[0].keys == Array(keys[5...]))
    }

    @Test func `the keys of broadcasts are beside the sessions', and go with their time`() throws {
        let history = try open()
        func key(_ text: String, _ at: Int64) -> StoredKey {
            StoredKey(key: text, digest: 5, firstSequence: 0, count: 3, publishedAt: Timestamp(microsecondsSince1970: at))
        }
        _ = try history.commit([.begin(first, epoch), .key(first, key(" b", 11)), .broadcast(key(" b", 10)), .broadcast(key(" a", 30))])
        _ = try history.commit([.broadcast(key(" b", 20))])
        var state = try history.load()
        #expect(state.broadcastKeys == [key(" b", 20), key(" a", 30)], "by their age, and the newest of one name")
        #expect(state.sessions.map(\.keys) == [[key(" b", 11)]])
        _ = try history.commit([.delete(first)])
        _ = try history.expire(eventsBefore: .distantPast, keysBefore: Timestamp(microsecondsSince1970: 25))
        state = try history.load()
        #expect(state.broadcastKeys == [key(" a", 30)])
        #expect(state.sessions.isEmpty)
    }

    @Test func `a new epoch keeps the events and their sequences`() throws {
        let history = try open()
        _ = try history.commit([.begin(first, epoch), .append(first, 1...2), .begin(first, nextEpoch), .append(first, 3...3)])
        #expect(try history.sequences(first) == [1, 2, 3])
        #expect(try history.load().sessions.map(\.epoch) == [nextEpoch])
    }

    @Test func `a deleted session is gone at once, and begins anew at 1`() throws {
        var history = try open()
        let key = StoredKey(key: "k", digest: 1, firstSequence: 1, count: 1, publishedAt: Timestamp(microsecondsSince1970: 50))
        _ = try history.commit([.begin(first, epoch), .append(first, 1...20_000), .key(first, key), .delete(second)])
        _ = try history.commit([.delete(first)])
        #expect(try history.load().sessions.isEmpty)
        #expect(try history.kept(first) == [])
        #expect(history.hasMoreToDrop)
        _ = try history.commit([.begin(first, nextEpoch), .append(first, 1...2)])
        #expect(try history.sequences(first) == [1, 2])
        #expect(try history.expire(eventsBefore: .distantPast, keysBefore: .distantPast) == [])
        #expect(history.hasMoreToDrop)
        history.close()
        history = try open()
        #expect(try history.load().sessions.map(\.range.newest) == [2])
        #expect(history.hasMoreToDrop)
        var calls = 0
        while history.hasMoreToDrop, calls < 10 {
            #expect(try history.expire(eventsBefore: .distantPast, keysBefore: .distantPast) == [])
            calls += 1
        }
        #expect(calls == 2)
        #expect(try history.sequences(first) == [1, 2])
        history.close()
        let raw = try RawDatabase(directory.file)
        #expect(
            try raw.rows("SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM keys), (SELECT count(*) FROM dropped)") == [
                ["2", "0", "0"]
            ])
    }

    @Test func `a page ends with its events or its bytes, and has one event always`() throws {
        let history = try open()
        _ = try history.commit([.begin(first, epoch), .begin(second, epoch), .append(first, 1...9), .append(second, 1...1)])
        // Each is "candle" and "{}": 8 bytes.
        for (after, eventsMax, bytesMax, expected) in [
            (0, 3, .max, 1...3), (0, .max, 24, 1...3), (0, .max, 31, 1...3), (3, .max, 0, 4...4), (7, 100, 100, 8...9),
        ] as [(UInt64, Int, Int, ClosedRange<UInt64>)] {
            let page = try history.read(first, after: after, eventsMax: eventsMax, bytesMax: bytesMax)
            #expect(page.map(\.sequence) == Array(expected))
        }
        #expect(try history.read(first, after: 9, eventsMax: 5, bytesMax: 5) == [])
        #expect(try history.read(first, after: .max, eventsMax: 5, bytesMax: 5) == [])
        #expect(try history.read(try SessionID("nobody"), after: 0, eventsMax: 5, bytesMax: 5) == [])
        #expect(try history.read(first, after: 0, eventsMax: 0, bytesMax: 5) == [])
    }

    // MARK: Limits

    @Test func `a session is cut to its events, a piece at a time`() throws {
        let history = try open(.commit, StoreLimits(eventsMax: 100, bytesMax: .max))
        _ = try history.commit([.begin(first, epoch)])
        for sequence in 1...110 as ClosedRange<UInt64> { #expect(try history.commit([.append(first, sequence...sequence)]) == []) }
        #expect(try history.commit([.append(first, 111...111)]) == [StoredRange(session: first, oldest: 12, newest: 111)])
        #expect(try history.sequences(first) == Array(12...111))
        #expect(try history.load().sessions.map(\.range) == [StoredRange(session: first, oldest: 12, newest: 111)])
    }

    @Test func `a session is cut to its bytes, and keeps its newest event`() throws {
        var history = try open(.commit, StoreLimits(eventsMax: .max, bytesMax: 1_000))
        let data = "{\"a\":\"" + String(repeating: "x", count: 86) + "\"}"
        _ = try history.commit([.begin(first, epoch), .append(first, 1...11, data: data)])
        #expect(try history.sequences(first) == Array(1...11))
        history.close()
        history = try open(.commit, StoreLimits(eventsMax: .max, bytesMax: 1_000))
        #expect(try history.commit([.append(first, 12...12, data: data)]) == [StoredRange(session: first, oldest: 3, newest: 12)])
        #expect(try history.sequences(first) == Array(3...12))
        let large = "{\"a\":\"" + String(repeating: "x", count: 5_000) + "\"}"
        #expect(try history.commit([.append(first, 13...14, data: large)]) == [StoredRange(session: first, oldest: 14, newest: 14)])
        #expect(try history.sequences(first) == [14])
    }

    @Test func `limits that were lowered are reached piece by piece`() throws {
        var history = try open()
        _ = try history.commit([.begin(first, epoch), .append(first, 1...20_000)])
        history.close()
        history = try open(.commit, StoreLimits(eventsMax: 10, bytesMax: .max))
        #expect(try history.commit([.append(first, 20_001...20_001)]).map(\.oldest) == [8_194])
        #expect(try history.commit([.append(first, 20_002...20_002)]).map(\.oldest) == [16_387])
        #expect(try history.commit([.append(first, 20_003...20_003)]).map(\.oldest) == [19_994])
    }

    @Test func `limits that were lowered are found at the start, and reached without a publish`() throws {
        var history = try open()
        _ = try history.commit([.begin(first, epoch), .append(first, 1...20_000)])
        history.close()
        history = try open(.commit, StoreLimits(eventsMax: 10, bytesMax: .max))
        _ = try history.load()
        #expect(history.hasMoreToDrop)
        #expect(try history.trim().map(\.oldest) == [8_193])
        #expect(try history.trim().map(\.oldest) == [16_385])
        #expect(try history.trim().map(\.oldest) == [19_991])
        #expect(!history.hasMoreToDrop)
        #expect(try history.trim() == [])
    }

    @Test func `a session that asks for less has it from its registration on, and over a restart`() throws {
        let own = Array(#"{"max_history_events":20}"#.utf8)
        var history = try open(.commit, StoreLimits(eventsMax: 100, bytesMax: .max))
        _ = try history.commit([.begin(first, epoch), .append(first, 1...50), .begin(second, epoch), .append(second, 1...50)])
        #expect(!history.hasMoreToDrop)
        #expect(try history.commit([.register(first, own)]) == [])
        #expect(history.hasMoreToDrop)
        #expect(try history.trim() == [StoredRange(session: first, oldest: 31, newest: 50)])
        #expect(!history.hasMoreToDrop)
        #expect(try history.commit([.append(first, 51...52)]) == [], "a tenth more")
        #expect(try history.commit([.append(first, 53...53)]).map(\.oldest) == [34])
        history.close()
        history = try open(.commit, StoreLimits(eventsMax: 100, bytesMax: .max))
        #expect(try history.commit([.append(first, 54...56)]).map(\.oldest) == [37])
        #expect(try history.sequences(second) == Array(1...50))
        _ = try history.commit([.register(first, nil)])
        #expect(try history.commit([.append(first, 57...130)]) == [], "as others again")
        #expect(try history.sequences(first) == Array(37...130))
    }

    @Test(arguments: [
        (#"{"max_history_events":1000}"#, nil, UInt64(1)), (#"{"max_history_events":0}"#, nil, 13), (#"{"max_history_events":1}"#, nil, 12),
        (#"{"max_history_bytes":4096}"#, 1000, 9), (#"{"max_history_bytes":5000}"#, 1000, 8), (#"{"max_history_bytes":4096}"#, 5000, 12),
        (#"{"kind":"backtest"}"#, nil, 1), ("no JSON", nil, 1),
    ])
    func `limits are what the registration says`(registration: String, dataBytes: Int?, oldest: UInt64) throws {
        let history = try open(.commit, StoreLimits(eventsMax: 100, bytesMax: 1 << 20))
        let data = dataBytes.map { "{\"a\":\"" + String(repeating: "x", count: $0 - 6 - 8) + "\"}" } ?? "{}"
        _ = try history.commit([.begin(first, epoch), .append(first, 1...12, data: data), .register(first, Array(registration.utf8))])
        _ = try history.trim()
        #expect(try history.load().sessions[0].range == StoredRange(session: first, oldest: oldest, newest: 12))
        #expect(!history.hasMoreToDrop)
    }

    @Test func `a retention of its own is obeyed from now on, and none is longer than the gateway's`() throws {
        let history = try open()
        _ = try history.commit([.begin(first, epoch), .append(first, 1...10), .begin(second, epoch), .append(second, 1...10)])
        func expire(_ now: Int64, keeping microseconds: Int64) throws -> [StoredRange] {
            try history.expire(
                now: Timestamp(microsecondsSince1970: now), eventsBefore: Timestamp(microsecondsSince1970: now - microseconds),
                keysBefore: .distantPast)
        }
        _ = try history.commit([.register(first, Array(#"{"history_retention_ms":10}"#.utf8))])
        #expect(history.hasMoreToDrop, "it was lowered")
        #expect(try expire(15_000, keeping: 1_000_000) == [StoredRange(session: first, oldest: 5, newest: 10)])
        #expect(try history.sequences(second) == Array(1...10))
        _ = try history.commit([.register(first, Array(#"{"history_retention_ms":10}"#.utf8))])
        #expect(!history.hasMoreToDrop, "it was not")
        #expect(try expire(15_000, keeping: 9_000).map(\.oldest).sorted() == [6, 6])
        #expect(try expire(.min, keeping: 0) == [], "a clock that is out of its mind")
    }

    @Test func `a limit of nothing keeps the sequence`() throws {
        var history = try open(.commit, StoreLimits(eventsMax: 0, bytesMax: 0))
        #expect(
            try history.commit([.begin(first, epoch), .append(first, 1...100)]) == [StoredRange(session: first, oldest: 101, newest: 100)])
        history.close()
        history = try open()
        #expect(try history.load().sessions.map(\.range) == [StoredRange(session: first, oldest: 101, newest: 100)])
        _ = try history.commit([.append(first, 101...101)])
        #expect(try history.sequences(first) == [101])
    }

    @Test func `the old expires, and the sequence goes on`() throws {
        var history = try open()
        _ = try history.commit([.begin(first, epoch), .append(first, 1...10), .begin(second, epoch), .append(second, 1...3)])
        let key = StoredKey(key: "k", digest: 1, firstSequence: 1, count: 1, publishedAt: Timestamp(microsecondsSince1970: 50))
        let later = StoredKey(key: "l", digest: 1, firstSequence: 1, count: 1, publishedAt: Timestamp(microsecondsSince1970: 60))
        _ = try history.commit([.key(first, key), .key(first, later)])
        let time = Timestamp(microsecondsSince1970: 4_000)
        let dropped = try history.expire(eventsBefore: time, keysBefore: Timestamp(microsecondsSince1970: 60)).sorted {
            $0.session < $1.session
        }
        #expect(dropped == [StoredRange(session: first, oldest: 4, newest: 10), StoredRange(session: second, oldest: 4, newest: 3)])
        #expect(try history.expire(eventsBefore: time, keysBefore: Timestamp(microsecondsSince1970: 60)) == [])
        #expect(!history.hasMoreToDrop)
        history.close()
        history = try open()
        #expect(try history.load().sessions.map(\.range) == [4, 4].enumerated().map { [dropped[0], dropped[1]][$0.offset] })
        #expect(try history.load().sessions.map(\.keys) == [[later], []])
        _ = try history.commit([.append(second, 4...4)])
        #expect(try history.sequences(first) == Array(4...10))
        #expect(try history.sequences(second) == [4])
    }

    @Test func `a clock that was set back expires nothing that is newer`() throws {
        let history = try open()
        _ = try history.commit([
            .begin(first, epoch), .append(first, [KeptEvent(1, at: 10).stored, KeptEvent(2, at: 90).stored, KeptEvent(3, at: 20).stored]),
        ])
        let dropped = try history.expire(eventsBefore: Timestamp(microsecondsSince1970: 50), keysBefore: .distantPast)
        #expect(dropped.map(\.oldest) == [2])
        #expect(try history.sequences(first) == [2, 3])
    }

    @Test func `a million old events go in pieces`() throws {
        let history = try open(.relaxed)
        _ = try history.commit([.begin(first, epoch), .append(first, 1...20_000)])
        let now = Timestamp(microsecondsSince1970: .max)
        #expect(try history.expire(eventsBefore: now, keysBefore: now).map(\.oldest) == [8_193])
        #expect(history.hasMoreToDrop)
        #expect(try history.expire(eventsBefore: now, keysBefore: now).map(\.oldest) == [16_385])
        #expect(try history.expire(eventsBefore: now, keysBefore: now).map(\.oldest) == [20_001])
        #expect(try history.expire(eventsBefore: now, keysBefore: now).isEmpty)
        #expect(!history.hasMoreToDrop)
    }

    // MARK: Contradictions

    @Test(arguments: [
        StoreChange.append(first, 3...3), .append(first, 1...1), .append(first, 0...0), .append(second, 1...1),
        .key(second, StoredKey(key: "k", digest: 1, firstSequence: 1, count: 1, publishedAt: Timestamp(microsecondsSince1970: 1))),
    ])
    func `what contradicts what is kept fails, and changes nothing`(change: StoreChange) throws {
        var history = try open()
        _ = try history.commit([.begin(first, epoch), .append(first, 1...1)])
        let error = try #require(#expect(throws: StoreError.self) { try history.commit([.register(first, [0x7B, 0x7D]), change]) })
        guard case .failed = error else { throw error }
        #expect(throws: error) { try history.commit([.append(first, 2...2)]) }
        #expect(throws: error) { try history.kept(first) }
        #expect(throws: error) { try history.load() }
        #expect(throws: error) { try history.expire(eventsBefore: .distantPast, keysBefore: .distantPast) }
        history.close()
        history = try open()
        let state = try history.load()
        #expect(!state.wasClosed)
        #expect(state.sessions.map(\.registration) == [nil])
        #expect(try history.sequences(first) == [1])
    }

    @Test func `the last sequence is told, and nothing breaks`() throws {
        var history = try open()
        _ = try history.commit([.begin(first, epoch)])
        history.close()
        let last: UInt64 = 1 << 40 - 1
        try RawDatabase(directory.file).run("UPDATE sessions SET newest_dropped = \(last - 1)")
        history = try open()
        _ = try history.commit([.append(first, last...last)])
        let error = try #require(#expect(throws: StoreError.self) { try history.commit([.append(first, (last + 1)...(last + 1))]) })
        guard case .full = error else { throw error }
        #expect(try history.sequences(first) == [last])
        #expect(
            try history.expire(eventsBefore: Timestamp(microsecondsSince1970: .max), keysBefore: .distantPast).map(\.oldest) == [last + 1])
        #expect(try history.kept(first) == [])
    }

    @Test func `numbers of sessions that are over are taken again`() throws {
        var history = try open()
        _ = try history.commit([.begin(first, epoch), .append(first, 1...3)])
        history.close()
        try RawDatabase(directory.file).run(
            "UPDATE sessions SET number = 4194303; UPDATE events SET place = (place & 1099511627775) + (4194303 << 40)")
        history = try open()
        #expect(try history.sequences(first) == [1, 2, 3])
        _ = try history.commit([.begin(second, epoch), .append(second, 1...1)])
        #expect(try history.sequences(first) == [1, 2, 3])
        #expect(try history.sequences(second) == [1])
        history.close()
        #expect(try RawDatabase(directory.file).rows("SELECT number FROM sessions ORDER BY 1") == [["1"], ["4194303"]])
    }

    // MARK: How it ended

    @Test func `only close is a clean end, and only relaxed loses events with another`() throws {
        func end(_ durability: Durability, closed: Bool) throws -> StoredState {
            let history = try open(durability)
            let state = try history.load()
            _ = try history.commit([.register(first, [0x7B, 0x7D])])
            if closed { history.close() }
            return state
        }
        #expect(try end(.commit, closed: false).wasClosed)
        var state = try end(.relaxed, closed: false)
        #expect(!state.wasClosed && !state.mayHaveLostEvents)
        state = try end(.relaxed, closed: true)
        #expect(!state.wasClosed && state.mayHaveLostEvents)
        state = try end(.relaxed, closed: false)
        #expect(state.wasClosed && !state.mayHaveLostEvents)
        // Its first commit settles what the relaxed one left.
        state = try end(.commit, closed: false)
        #expect(!state.wasClosed && state.mayHaveLostEvents)
        state = try end(.commit, closed: true)
        #expect(!state.wasClosed && !state.mayHaveLostEvents)
    }

    @Test func `what a relaxed process left is not settled before the first commit`() throws {
        _ = try open(.relaxed)
        _ = try open(.commit)
        #expect(try open(.commit).load().mayHaveLostEvents)
    }

    @Test func `a closed history is one file, and refuses`() throws {
        let history = try open(.relaxed)
        _ = try history.commit([.begin(first, epoch), .append(first, 1...3)])
        #expect(try directory.names() == ["history.sqlite3", "history.sqlite3-shm", "history.sqlite3-wal", "lock"])
        #expect(history.bytes > 0)
        for name in try directory.names() { #expect(try directory.permissions(of: name) == 0o600, "\(name)") }
        history.close()
        history.close()
        #expect(try directory.names() == ["history.sqlite3", "lock"])
        #expect(throws: StoreError.self) { try history.commit([.append(first, 4...4)]) }
        #expect(throws: StoreError.self) { try history.kept(first) }
    }

    @Test func `the log is written into the file before it grows large`() throws {
        let history = try open(.relaxed)
        _ = try history.commit([.begin(first, epoch)])
        let data = "{\"a\":\"" + String(repeating: "x", count: 4_000) + "\"}"
        for batch in 0..<40 as Range<UInt64> {
            _ = try history.commit([.append(first, (batch * 100 + 1)...(batch * 100 + 100), data: data)])
        }
        #expect(try directory.bytes(of: "history.sqlite3-wal").count < 12 << 20)
        #expect(history.bytes > 16 << 20)
    }
}

extension Timestamp {
    static let distantPast = Timestamp(microsecondsSince1970: .min)
}

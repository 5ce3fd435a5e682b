import CSQLite
import HistoryStore
import Sessions
import Testing

@Suite("The tables that others read")
struct TablesTests {
    private let directory: TemporaryDirectory
    private let history: SQLiteHistory

    init() throws {
        directory = try TemporaryDirectory()
        history = try SQLiteHistory(directory: directory.path, durability: .commit, limits: .wide)
        let events = [
            KeptEvent(1, at: 1_773_570_600_000_042, type: "candle", data: #"{"close":101.5}"#),
            KeptEvent(2, at: 1_773_570_601_000_000, type: "ai_decision", timestamp: "yesterday", key: "BTC", data: #"{"side":"buy"}"#),
        ]
        _ = try history.commit([
            .begin(first, epoch), .append(first, events.map(\.stored)), .begin(second, nextEpoch), .append(second, 1...5),
        ])
    }

    private func reader() throws -> RawDatabase { try RawDatabase(directory.file, flags: SQLITE_OPEN_READONLY) }

    @Test func `a reader sees the history while it is written`() throws {
        let reader = try reader()
        let rows = try reader.rows("SELECT * FROM history WHERE session_id = 'bt-1'")
        #expect(
            rows == [
                [
                    "bt-1", "1", "0123456789abc-1", "candle", "NULL", "2026-03-15T10:30:00.000042Z", "1773570600000042",
                    #"{"close":101.5}"#,
                ],
                ["bt-1", "2", "0123456789abc-2", "ai_decision", "BTC", "yesterday", "1773570601000000", #"{"side":"buy"}"#],
            ])
        _ = try history.commit([.append(first, 3...3)])
        #expect(try reader.rows("SELECT count(*) FROM history") == [["8"]])
        #expect(try reader.rows("SELECT json_extract(data, '$.close') FROM history WHERE type = 'candle' LIMIT 1") == [["101.5"]])
    }

    @Test func `the gateway's own timestamp is the one its clients see`() throws {
        for microseconds in [0, 1, 999_999, 1_773_570_600_123_456] as [Int64] {
            let newest = try history.kept(first).last?.sequence ?? 0
            _ = try history.commit([.append(first, [KeptEvent(newest + 1, at: microseconds).stored])])
            let shown = try reader().rows("SELECT timestamp FROM history WHERE session_id = 'bt-1' ORDER BY sequence DESC LIMIT 1")
            #expect(shown == [[Timestamp(microsecondsSince1970: microseconds).iso8601]])
        }
    }

    @Test(arguments: [
        "SELECT * FROM history WHERE session_id = 'bt-1'",
        "SELECT * FROM history WHERE session_id = 'bt-1' ORDER BY sequence",
        """
        SELECT e.* FROM sessions s CROSS JOIN events e ON e.place BETWEEN (s.number << 40) + 1000 AND (s.number << 40) + 2000
        WHERE s.session_id = 'bt-1'
        """,
    ])
    func `a session's events are found by their key`(query: String) throws {
        let plan = try reader().rows("EXPLAIN QUERY PLAN \(query)").map { $0[3].replacing("COVERING ", with: "") }
        let session = "SEARCH s USING INDEX sqlite_autoindex_sessions_1 (session_id=?)"
        #expect(plan.prefix(2) == [session, "SEARCH e USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"])
    }

    @Test func `the whole history is read session by session`() throws {
        let plan = try reader().rows("EXPLAIN QUERY PLAN SELECT * FROM history").map { $0[3] }
        #expect(plan == ["SCAN s", "SEARCH e USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"])
    }

    @Test func `a reader in the midst of it is no hindrance to a clean end`() throws {
        let reader = try reader()
        try reader.run("BEGIN")
        #expect(try reader.rows("SELECT count(*) FROM history") == [["7"]])
        _ = try history.commit([.append(second, 6...6)])
        history.close()
        let again = try SQLiteHistory(directory: directory.path, durability: .commit, limits: .wide)
        #expect(try again.load().wasClosed)
        #expect(try again.sequences(second) == [1, 2, 3, 4, 5, 6])
        #expect(try reader.rows("SELECT count(*) FROM history") == [["7"]])
    }

    @Test func `a reader in the midst of it hinders nobody`() throws {
        let reader = try reader()
        try reader.run("BEGIN")
        #expect(try reader.rows("SELECT count(*) FROM history WHERE session_id = 'fw.2~x'") == [["5"]])
        _ = try history.commit([.append(second, 6...6)])
        #expect(try reader.rows("SELECT count(*) FROM history WHERE session_id = 'fw.2~x'") == [["5"]])
        try reader.run("COMMIT")
        #expect(try reader.rows("SELECT count(*) FROM history WHERE session_id = 'fw.2~x'") == [["6"]])
    }
}

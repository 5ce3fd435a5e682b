import Foundation
import HistoryStore
import Sessions
import Testing

@Suite("Opening a history")
struct OpeningTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func open(_ path: String? = nil) throws(StoreOpenError) -> SQLiteHistory {
        try SQLiteHistory(directory: path ?? directory.path, durability: .commit, limits: .wide)
    }

    private func refusal(_ path: String? = nil) -> StoreOpenError? { #expect(throws: StoreOpenError.self) { try open(path) } }

    /// A file of ours with 1,000 events in it, as a crash leaves it or closed.
    private func makeHistory(closed: Bool = true) throws {
        let history = try open()
        _ = try history.commit([.begin(first, epoch), .append(first, 1...1_000)])
        if closed { history.close() }
    }

    @Test func `a directory that is missing, or a file, is told`() throws {
        #expect(refusal("/nonexistent/history")?.description.contains("/nonexistent/history: No such file or directory") == true)
        try directory.write([], to: "file")
        #expect(refusal("\(directory.path)/file")?.description.contains("not a directory") == true)
        #expect(try directory.names() == ["file"])
    }

    @Test(.enabled(if: getuid() != 0, "root may write everywhere"))
    func `a directory that may not be written to is told`() throws {
        try FileManager.default.setAttributes([.posixPermissions: 0o500], ofItemAtPath: directory.path)
        #expect(refusal()?.description.contains("Permission denied") == true)
    }

    @Test func `a second gateway is told the first one's process`() throws {
        let history = try open()
        #expect(refusal() == .inUse(directory: directory.path, process: getpid()))
        #expect(refusal()?.description.contains("process \(getpid())") == true)
        history.close()
        _ = try open()
    }

    /// As a process has that was begun meanwhile and is not its own program yet.
    @Test func `a closed history can be opened also while somebody has a copy of the lock's descriptor`() throws {
        let history = try open()
        let descriptor = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").first {
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)")) == "\(directory.path)/lock"
        }
        let copy = dup(try #require(descriptor.flatMap { Int32($0) }))
        defer { close(copy) }
        #expect(refusal() == .inUse(directory: directory.path, process: getpid()))
        history.close()
        _ = try open()
    }

    @Test func `a second process is refused`() throws {
        let other = Process()
        other.executableURL = URL(filePath: "/usr/bin/env")
        other.arguments = ["flock", "--exclusive", "\(directory.path)/lock", "cat"]
        let (input, output) = (Pipe(), Pipe())
        (other.standardInput, other.standardOutput) = (input, output)
        try other.run()
        // It holds the lock once it echoes.
        try input.fileHandleForWriting.write(contentsOf: Data("x".utf8))
        #expect(try output.fileHandleForReading.read(upToCount: 1)?.count == 1)
        #expect(refusal() == .inUse(directory: directory.path, process: nil))
        try input.fileHandleForWriting.close()
        other.waitUntilExit()
        _ = try open()
    }

    @Test func `somebody else's lock file is left alone`() throws {
        try directory.write(Array("precious\n".utf8), to: "lock")
        #expect(refusal() == .foreign(path: "\(directory.path)/lock"))
        #expect(try directory.bytes(of: "lock") == Array("precious\n".utf8))
    }

    @Test(arguments: ["text", "SQLite format 3\0", String(repeating: "\0", count: 4_096)])
    func `a file that is none of ours is left alone`(content: String) throws {
        try directory.write(Array(content.utf8))
        #expect(refusal() == .foreign(path: directory.file))
        #expect(try directory.bytes() == Array(content.utf8))
        #expect(try directory.names() == ["history.sqlite3", "lock"])
    }

    @Test(arguments: [
        "CREATE TABLE t(a)", "PRAGMA application_id=7; CREATE TABLE events(place)", "PRAGMA journal_mode=WAL; CREATE TABLE t(a)",
    ])
    func `somebody else's database is left alone`(sql: String) throws {
        do { try RawDatabase(directory.file).run(sql) }
        let before = try directory.bytes()
        #expect(refusal() == .foreign(path: directory.file))
        #expect(try directory.bytes() == before)
    }

    @Test func `an empty file in its place is taken`() throws {
        try directory.write([])
        try makeHistory()
        #expect(try open().load().sessions.count == 1)
    }

    @Test func `what a crash left of a beginning is no hindrance`() throws {
        try directory.write(Array("half a file".utf8), to: "history.sqlite3.new")
        try directory.write(Array("its journal".utf8), to: "history.sqlite3.new-journal")
        try makeHistory()
        #expect(try directory.names() == ["history.sqlite3", "lock"])
    }

    @Test func `a newer version's file is left alone`() throws {
        try makeHistory()
        do { try RawDatabase(directory.file).run("PRAGMA user_version = 2") }
        let before = try directory.bytes()
        #expect(refusal() == .newer(path: directory.file, version: 2, known: 1))
        #expect(refusal()?.description.contains("newer version") == true)
        #expect(try directory.bytes() == before)
    }

    @Test func `a newer version's file is left alone where only its log tells`() throws {
        try makeHistory()
        let reader = try RawDatabase(directory.file)
        try reader.rows("SELECT * FROM meta")
        do {
            try RawDatabase(directory.file).run(
                "PRAGMA wal_autocheckpoint = 0; PRAGMA user_version = 9; INSERT INTO meta VALUES ('a', 'b')")
        }
        let before = try (directory.bytes(), directory.bytes(of: "history.sqlite3-wal"))
        #expect(refusal() == .newer(path: directory.file, version: 9, known: 1))
        let after = try (directory.bytes(), directory.bytes(of: "history.sqlite3-wal"))
        #expect(before == after)
    }

    @Test func `a log without its file is told, and left alone`() throws {
        try makeHistory(closed: false)
        let log = try directory.bytes(of: "history.sqlite3-wal")
        try FileManager.default.removeItem(atPath: directory.file)
        #expect(refusal()?.description.contains("history.sqlite3-wal") == true)
        #expect(try directory.bytes(of: "history.sqlite3-wal") == log)
        #expect(try !directory.names().contains("history.sqlite3"))
    }

    @Test(
        arguments: [
            // Cut short; a broken schema page; a broken root page of the events; another state than any we know.
            { (bytes: inout [UInt8]) in bytes.removeLast(bytes.count / 2) },
            { bytes in for index in 100..<4_096 { bytes[index] = 0xA5 } },
            { bytes in bytes[28..<32] = [0x7F, 0xFF, 0xFF, 0xFF] },
        ] as [@Sendable (inout [UInt8]) -> Void])
    func `a damaged file is told, and left alone`(damage: @Sendable (inout [UInt8]) -> Void) throws {
        try makeHistory()
        var bytes = try directory.bytes()
        damage(&bytes)
        try directory.write(bytes)
        let error = try #require(refusal())
        guard case .damaged = error else { throw error }
        #expect(error.description.contains(directory.file))
        #expect(try directory.bytes() == bytes)
    }

    @Test func `damage that only a read finds fails the store, which writes no more`() throws {
        try makeHistory()
        var bytes = try directory.bytes()
        // Leaves of the events; the other tables lie before them.
        for index in 10 * 4_096..<bytes.count { bytes[index] = 0xA5 }
        try directory.write(bytes)
        let history = try open()
        let error = try #require(#expect(throws: StoreError.self) { try history.load() })
        guard case .failed = error else { throw error }
        #expect(throws: error) { try history.commit([.append(first, 1_001...1_001)]) }
        history.close()
        #expect(try directory.bytes() == bytes)
    }

    @Test(arguments: [0.1, 0.5, 0.9, 0.999])
    func `a log that was torn ends with its last whole commit`(part: Double) throws {
        do {
            let history = try open()
            _ = try history.commit([.begin(first, epoch)])
            for sequence in 1...200 as ClosedRange<UInt64> { _ = try history.commit([.append(first, sequence...sequence)]) }
        }
        var log = try directory.bytes(of: "history.sqlite3-wal")
        let whole = log.count
        log.removeLast(log.count - Int(Double(log.count) * part))
        try directory.write(log, to: "history.sqlite3-wal")
        let history = try open()
        let sequences = try history.sequences(first)
        #expect(sequences == Array(1..<UInt64(sequences.count + 1)))
        #expect(sequences.count < 200 && Double(sequences.count) > 200 * part - 8, "\(whole)")
    }
}

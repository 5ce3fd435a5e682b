internal import CSQLite

/// One connection to one file. Belongs to its owner's thread: it has no lock of its own.
@safe
final class Database {
    /// How long somebody else's lock is waited for: a reader that recovers the log, or copies the file.
    private static let busyMillisecondsMax: Int32 = 1_000

    private let handle: OpaquePointer
    /// Where SQLite's hook leaves how long the log has become. Never moved.
    private let frames: UnsafeMutablePointer<Int32>
    /// Until ``close()``; its statements end with it.
    private(set) var isOpen = true

    /// - Parameter vfs: the layer below SQLite, by its name; nil is the system's.
    init(existing path: String, vfs: String?) throws(DatabaseError) {
        var opened: OpaquePointer?
        let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX
        let code = unsafe sqlite3_open_v2(path, &opened, flags, vfs)
        guard let opened = unsafe opened else { throw DatabaseError(code: SQLITE_NOMEM, message: "out of memory") }
        guard code == SQLITE_OK else {
            let message = unsafe String(cString: sqlite3_errmsg(opened))
            unsafe sqlite3_close_v2(opened)
            throw DatabaseError(code: code, message: message)
        }
        unsafe handle = unsafe opened
        unsafe frames = .allocate(capacity: 1)
        unsafe frames.initialize(to: 0)
        unsafe sqlite3_busy_timeout(opened, Self.busyMillisecondsMax)
        // A file that turns out not to be ours is not written, nor is ours after a failure: a connection's end writes nothing unless told to.
        setCheckpointOnClose(false)
        // In place of SQLite's own hook, which would write the log into the file after a commit and keep a failed sync to itself.
        unsafe sqlite3_wal_hook(
            opened,
            { frames, _, _, count in
                unsafe frames?.assumingMemoryBound(to: Int32.self).pointee = count
                return SQLITE_OK
            }, frames)
    }

    deinit {
        close()
        unsafe frames.deallocate()
    }

    /// Nobody uses it or a statement of it after that.
    func close() {
        guard isOpen else { return }
        isOpen = false
        while let statement = unsafe sqlite3_next_stmt(handle, nil) { unsafe sqlite3_finalize(statement) }
        unsafe sqlite3_close_v2(handle)
    }

    func run(_ sql: String) throws(DatabaseError) {
        try check(unsafe sqlite3_exec(handle, sql, nil, nil, nil))
    }

    /// The first column of the first row.
    func integer(_ sql: String) throws(DatabaseError) -> Int64? {
        let statement = try prepare(sql)
        return try statement.step() ? statement.integer(0) : nil
    }

    func prepare(_ sql: String) throws(DatabaseError) -> Statement {
        var statement: OpaquePointer?
        try check(unsafe sqlite3_prepare_v3(handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil))
        guard let statement = unsafe statement else { throw .contradiction("no statement: \(sql)") }
        return unsafe Statement(statement, of: self)
    }

    var isInTransaction: Bool { unsafe sqlite3_get_autocommit(handle) == 0 }

    /// Rows that the last statement changed.
    var changes: Int { unsafe Int(sqlite3_changes(handle)) }

    /// Pages in the log after the last commit.
    var framesInLog: Int { unsafe Int(frames.pointee) }

    func setCheckpointOnClose(_ enabled: Bool) { unsafe wsg_store_checkpoint_on_close(handle, enabled ? 1 : 0) }

    /// Writes what the log holds into the file, as far as no reader is in the way.
    func checkpoint() throws(DatabaseError) {
        try check(unsafe sqlite3_wal_checkpoint_v2(handle, nil, SQLITE_CHECKPOINT_PASSIVE, nil, nil))
    }

    /// Writes all of the log into the file, and empties it.
    func checkpointAndTruncate() throws(DatabaseError) {
        try check(unsafe sqlite3_wal_checkpoint_v2(handle, nil, SQLITE_CHECKPOINT_TRUNCATE, nil, nil))
    }

    private func check(_ code: Int32) throws(DatabaseError) {
        guard code == SQLITE_OK else { throw DatabaseError(code: code, message: unsafe String(cString: sqlite3_errmsg(handle))) }
    }
}

package import Sessions

/// The history in an SQLite file, `DIR/history.sqlite3` (docs/HISTORY-FILE.md). Belongs to one thread at a time: the store's.
///
/// A failed write or sync is never tried again: the system may have dropped what it could not write, and say that the next sync is fine.
///
/// Flow: SessionHome → StoreChange → **SQLiteHistory** → StoredEvent → HistoryPage
package final class SQLiteHistory: HistoryStore {
    /// Pages in the log, of 4 KiB each, from which they are written into the file.
    private static let framesMax = 1_000
    /// The log's file is cut to this where a reader made it grow.
    private static let logBytesMax = 64 << 20

    let limits: StoreLimits
    let database: Database
    let statements: HistoryStatements
    var book = SessionBook()

    private let file: HistoryFile
    private let durability: Durability
    /// How the process before ended; what the file says now.
    private let lastState: HistoryState
    private var state: HistoryState
    private var phase = Phase.opened
    private var framesDue = framesMax
    private let lock: DirectoryLock

    private enum Phase {
        case opened
        case loaded
        case failed(StoreError)
        case closed
    }

    /// Opens the directory's history, or begins one.
    /// - Parameters:
    ///   - durability: `relaxed` or `commit`.
    ///   - vfs: the layer between SQLite and the system, by its name: a test's, which fails when told.
    package init(directory: String, durability: Durability, limits: StoreLimits, vfs: String? = nil) throws(StoreOpenError) {
        precondition(durability != .memory, "what only memory holds has no file")
        try HistoryFile.checkDirectory(directory)
        lock = try DirectoryLock(directory: directory)
        file = HistoryFile(directory: directory, vfs: vfs)
        database = try file.open()
        self.durability = durability
        self.limits = limits
        do throws(DatabaseError) {
            let last = try Self.readState(database)
            statements = try HistoryStatements(database)
            lastState = last
            state = HistoryState(writing: durability, after: last)
            try Self.begin(database, statements, state, durability)
        } catch {
            throw error.opening(file.path)
        }
    }

    private static func readState(_ database: Database) throws(DatabaseError) -> HistoryState {
        let statement = try database.prepare("SELECT value FROM meta WHERE name = 'state'")
        guard try statement.step(), let state = statement.text(0).flatMap(HistoryState.init) else {
            throw .contradiction("it does not say how it was left")
        }
        return state
    }

    /// That the file is written to is on disk before anything else is, however little is promised of the rest: what says `closed` is whole.
    private static func begin(_ database: Database, _ statements: HistoryStatements, _ state: HistoryState, _ durability: Durability)
        throws(DatabaseError)
    {
        try database.run("PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON")
        try database.run("PRAGMA journal_size_limit = \(logBytesMax)")
        try statements.setState.bind(state.rawValue, at: 1)
        try statements.setState.run()
        if durability == .relaxed { try database.run("PRAGMA synchronous = NORMAL") }
    }

    /// A process that ends without ``close()`` leaves the file as a crash does.
    deinit { release() }

    private func release() {
        database.close()
        // To the last: whoever waits for it opens the file.
        lock.unlock()
    }

    package var bytes: Int { file.bytes }

    package var hasMoreToDrop: Bool { isExpiryDue || !overLimits.isEmpty }
    /// ``expire(now:eventsBefore:keysBefore:)`` has something to do.
    var isExpiryDue = false
    /// Sessions whose limits were lowered below what they have.
    var overLimits: Set<SessionID> = []

    // MARK: The port

    package func load() throws(StoreError) -> StoredState {
        try checkUsable()
        return try reading { () throws(DatabaseError) in
            let loaded = try loadBook()
            phase = .loaded
            return StoredState(
                sessions: loaded.sessions, wasClosed: lastState == .closed, mayHaveLostEvents: lastState == .relaxed,
                broadcastKeys: loaded.broadcastKeys)
        }
    }

    package func commit(_ changes: [StoreChange]) throws(StoreError) -> [StoredRange] {
        guard !changes.isEmpty else { return [] }
        let isSettled = durability == .relaxed || state == .commit
        let ranges = try transaction { () throws(DatabaseError) in
            for change in changes { try apply(change) }
            if !isSettled { try settle() }
            return try trim(changes)
        }
        if !isSettled { state = .commit }
        return ranges
    }

    /// With the first commit every session goes on in its new epoch: from here on, what is kept is what was promised.
    private func settle() throws(DatabaseError) {
        try statements.setState.bind(HistoryState.commit.rawValue, at: 1)
        try statements.setState.run()
    }

    package func expire(now: Timestamp, eventsBefore events: Timestamp, keysBefore keys: Timestamp) throws(StoreError) -> [StoredRange] {
        try checkUsable()
        let keys = keys.microsecondsSince1970
        let expiry = Expiry(now: now.microsecondsSince1970, eventsBefore: events.microsecondsSince1970)
        guard try reading({ () throws(DatabaseError) in try hasSomethingToDrop(expiry, keysBefore: keys) }) else {
            isExpiryDue = false
            return []
        }
        let dropped = try transaction { () throws(DatabaseError) in try drop(expiry, keysBefore: keys) }
        isExpiryDue = dropped.hasMore
        return dropped.ranges
    }

    package func trim() throws(StoreError) -> [StoredRange] {
        try checkUsable()
        guard !overLimits.isEmpty else { return [] }
        let (ranges, done) = try transaction { () throws(DatabaseError) in try trimOverLimits() }
        overLimits.subtract(done)
        return ranges
    }

    package func read(_ session: SessionID, after sequence: UInt64, eventsMax: Int, bytesMax: Int) throws(StoreError) -> [StoredEvent] {
        try checkUsable()
        guard let record = book[session], sequence < record.newest else { return [] }
        return try reading { () throws(DatabaseError) in
            try readEvents(record, after: sequence, eventsMax: eventsMax, bytesMax: bytesMax)
        }
    }

    package func close(clean: Bool = true) {
        defer {
            phase = .closed
            release()
        }
        switch phase {
        case .failed, .closed: return
        case .opened, .loaded: break
        }
        do throws(DatabaseError) {
            // Synced with everything before it.
            try database.run("PRAGMA synchronous = FULL")
            if clean {
                try statements.setState.bind(HistoryState.closed.rawValue, at: 1)
                try statements.setState.run()
            }
            try database.checkpointAndTruncate()
            database.setCheckpointOnClose(true)
        } catch {
            // A reader in the way: the log stays, and the next start reads it. Anything else: the next start finds what there is.
        }
    }

    // MARK: Transactions

    private func transaction<Result>(_ body: () throws(DatabaseError) -> Result) throws(StoreError) -> Result {
        try checkUsable()
        let result: Result
        do throws(DatabaseError) {
            try statements.begin.run()
            result = try body()
        } catch {
            throw undo(error)
        }
        do throws(DatabaseError) {
            try statements.commit.run()
        } catch {
            // No room for the last page of the log: without it the transaction is none. Of everything else the outcome is not known.
            throw error.isFull ? undo(error) : fail(error)
        }
        book.commit()
        checkpointIfDue()
        return result
    }

    private func undo(_ error: DatabaseError) -> StoreError {
        // SQLite may have rolled back on its own, and then says that there is nothing to roll back.
        if database.isInTransaction {
            do throws(DatabaseError) { try statements.rollback.run() } catch { return fail(error) }
        }
        book.rollBack()
        return error.isTemporary ? .full("\(file.path): \(error.message)") : fail(error)
    }

    private func fail(_ error: DatabaseError) -> StoreError {
        let failure = StoreError.failed("\(file.path): \(error.message); it is not written any more until a restart")
        phase = .failed(failure)
        return failure
    }

    private func reading<Result>(_ body: () throws(DatabaseError) -> Result) throws(StoreError) -> Result {
        do throws(DatabaseError) {
            return try body()
        } catch {
            throw error.isTemporary ? .full("\(file.path): \(error.message)") : fail(error)
        }
    }

    private func checkUsable() throws(StoreError) {
        switch phase {
        case .loaded: break
        case .opened:
            phase = .loaded
            _ = try load()
        case .failed(let error): throw error
        case .closed: throw .failed("\(file.path) is closed")
        }
    }

    /// The transaction before is kept, whatever becomes of this: a failure is told with the next call.
    private func checkpointIfDue() {
        let frames = database.framesInLog
        if frames < framesDue {
            // The log began anew.
            if frames < Self.framesMax { framesDue = Self.framesMax }
            return
        }
        // A reader may be in the way, or the disk full: the log grows on, and is looked at again when it has.
        framesDue = frames + Self.framesMax
        do throws(DatabaseError) { try database.checkpoint() } catch {
            if !error.isTemporary { _ = fail(error) }
        }
    }
}

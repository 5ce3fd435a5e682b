internal import CSQLite
internal import Sessions

/// What SQLite refused, or what we refuse in its words.
struct DatabaseError: Error {
    /// SQLite's primary result code.
    let code: Int32
    let message: String

    init(code: Int32, message: String) {
        self.code = code & 0xFF
        self.message = message
    }

    /// Something does not fit; a rollback undoes what was begun.
    static func full(_ message: String) -> DatabaseError { DatabaseError(code: SQLITE_FULL, message: message) }

    /// What is asked for contradicts what is kept.
    static func contradiction(_ message: String) -> DatabaseError { DatabaseError(code: SQLITE_MISMATCH, message: message) }

    /// Whether nothing is wrong with the file: no room on the disk or in memory, an event too large, somebody else's lock. Before COMMIT, a rollback
    /// undoes all there was.
    var isTemporary: Bool {
        switch code {
        case SQLITE_FULL, SQLITE_TOOBIG, SQLITE_NOMEM, SQLITE_BUSY, SQLITE_LOCKED: true
        default: false
        }
    }

    var isFull: Bool { code == SQLITE_FULL }

    /// Of a file that is being opened.
    func opening(_ path: String) -> StoreOpenError {
        switch code {
        case SQLITE_CORRUPT, SQLITE_NOTADB, SQLITE_ERROR, SQLITE_MISMATCH: .damaged(path: path, reason: message)
        case SQLITE_BUSY, SQLITE_LOCKED: .system(path: path, reason: "another program has locked it (\(message)); end that one")
        case SQLITE_FULL: .system(path: path, reason: "there is no room on its disk (\(message))")
        default: .system(path: path, reason: message)
        }
    }
}

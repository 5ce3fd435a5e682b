internal import CSQLite

/// `DIR/history.sqlite3` before SQLite is let near it: whether it is ours, and made where there is none.
struct HistoryFile {
    let path: String
    private let directory: String
    private let vfs: String?

    init(directory: String, vfs: String?) {
        self.directory = directory
        self.vfs = vfs
        path = "\(directory)/history.sqlite3"
    }

    static func checkDirectory(_ directory: String) throws(StoreOpenError) {
        switch unsafe wsg_store_is_directory(directory) {
        case 1: break
        case 0: throw .directory(directory, reason: "it is not a directory")
        default: throw .directory(directory, reason: SystemReason.current)
        }
        guard unsafe access(directory, W_OK | X_OK) == 0 else { throw .directory(directory, reason: SystemReason.current) }
    }

    /// What it takes on disk, with its log.
    var bytes: Int { unsafe Int(max(0, wsg_store_file_bytes(path))) + Int(max(0, wsg_store_file_bytes("\(path)-wal"))) }

    /// Opens what is there, or makes it. Only a file of ours is ever given to SQLite, which would write a log beside any other.
    func open() throws(StoreOpenError) -> Database {
        let size = unsafe wsg_store_file_bytes(path)
        if size <= 0 { try create() } else { try check(size) }
        let database: Database
        let version: Int64
        do throws(DatabaseError) {
            database = try Database(existing: path, vfs: vfs)
            // The file may have come from anywhere: nothing in its schema runs with more rights than a reader's.
            try database.run("PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON")
            try database.run("PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16384")
            // The log may hold a later header than the file.
            version = try database.integer("PRAGMA user_version") ?? 0
        } catch { throw error.opening(path) }
        guard version <= Schema.version else { throw .newer(path: path, version: Int(version), known: Schema.version) }
        return database
    }

    // MARK: Whose it is

    /// The header's first 100 bytes (https://sqlite.org/fileformat2.html#the_database_header). Ours are there from the file's first moment.
    private func check(_ size: Int64) throws(StoreOpenError) {
        let header = try readHeader()
        guard header.count == Self.headerBytes, header.starts(with: Array("SQLite format 3\0".utf8)) else { throw .foreign(path: path) }
        guard Self.integer(header, at: 68) == Schema.applicationID else { throw .foreign(path: path) }
        let version = Int(Self.integer(header, at: 60))
        guard version <= Schema.version else { throw .newer(path: path, version: version, known: Schema.version) }
        guard version > 0 else { throw .damaged(path: path, reason: "its version is 0") }
    }

    private static let headerBytes = 100

    private func readHeader() throws(StoreOpenError) -> [UInt8] {
        let descriptor = unsafe wsg_store_open_read(path)
        guard descriptor >= 0 else { throw .system(path: path, reason: SystemReason.current) }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: Self.headerBytes)
        let count = unsafe bytes.withUnsafeMutableBytes { unsafe pread(descriptor, $0.baseAddress, $0.count, 0) }
        guard count >= 0 else { throw .system(path: path, reason: SystemReason.current) }
        return Array(bytes.prefix(count))
    }

    private static func integer(_ header: [UInt8], at offset: Int) -> Int32 {
        Int32(bitPattern: header[offset..<offset + 4].reduce(0) { $0 << 8 | UInt32($1) })
    }

    // MARK: Making it

    /// Made whole under another name first: there is no moment at which a file of that name is not known to be ours.
    private func create() throws(StoreOpenError) {
        // SQLite would take an old log for the new file's.
        guard unsafe wsg_store_file_bytes("\(path)-wal") <= 0 else {
            throw .damaged(path: path, reason: "it is missing, but its log \(path)-wal is there")
        }
        let new = "\(path).new"
        for leftover in [new, "\(new)-journal", "\(new)-wal", "\(new)-shm"] { unsafe unlink(leftover) }
        // Sessions are private. What SQLite puts beside it has the same permissions.
        let descriptor = unsafe wsg_store_open_new(new)
        guard descriptor >= 0 else { throw .system(path: new, reason: SystemReason.current) }
        close(descriptor)
        do throws(DatabaseError) {
            let database = try Database(existing: new, vfs: vfs)
            try database.run("PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; BEGIN;" + Schema.sql + "COMMIT")
            // Written into the file's header, and so the mode of everyone who opens it.
            try database.run("PRAGMA journal_mode = WAL")
            database.setCheckpointOnClose(true)
        } catch {
            unsafe unlink(new)
            throw error.opening(new)
        }
        guard unsafe rename(new, path) == 0 else { throw .system(path: path, reason: SystemReason.current) }
        try syncDirectory()
    }

    /// A file whose name is not on disk is lost with the power.
    private func syncDirectory() throws(StoreOpenError) {
        let descriptor = unsafe wsg_store_open_read(directory)
        guard descriptor >= 0 else { throw .system(path: directory, reason: SystemReason.current) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw .system(path: directory, reason: SystemReason.current) }
    }
}

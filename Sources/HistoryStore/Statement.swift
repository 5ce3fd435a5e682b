internal import CSQLite

/// One prepared statement. Belongs to its connection's thread.
@safe
final class Statement {
    private let handle: OpaquePointer
    private let database: Database

    /// Takes over the statement.
    init(_ handle: OpaquePointer, of database: Database) {
        unsafe self.handle = unsafe handle
        self.database = database
    }

    deinit {
        // A connection that was closed has taken its statements along.
        if database.isOpen { unsafe sqlite3_finalize(handle) }
    }

    func bind(_ value: Int64, at index: Int32) throws(DatabaseError) {
        try check(unsafe sqlite3_bind_int64(handle, index, value))
    }

    func bind(_ text: String?, at index: Int32) throws(DatabaseError) {
        guard let text else { return try check(unsafe sqlite3_bind_null(handle, index)) }
        try bind(Array(text.utf8), at: index)
    }

    /// Copies the bytes.
    func bind(_ bytes: [UInt8]?, at index: Int32) throws(DatabaseError) {
        guard let bytes, !bytes.isEmpty else {
            return try check(unsafe bytes == nil ? sqlite3_bind_null(handle, index) : sqlite3_bind_text(handle, index, "", 0, nil))
        }
        let code = unsafe bytes.withUnsafeBufferPointer { unsafe wsg_store_bind_text_copy(handle, index, $0.baseAddress, UInt64($0.count)) }
        try check(code)
    }

    /// SQLite reads the bytes where they are: they stay there, unchanged, until the statement has run.
    func bind(_ range: Range<Int>?, of bytes: UnsafeBufferPointer<UInt8>, at index: Int32) throws(DatabaseError) {
        guard let range, let start = bytes.baseAddress else { return try check(unsafe sqlite3_bind_null(handle, index)) }
        precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count, "an event's ranges are within its body")
        try check(unsafe wsg_store_bind_text(handle, index, start + range.lowerBound, UInt64(range.count)))
    }

    /// - Returns: whether there is a row. Whoever stops before the last one resets.
    func step() throws(DatabaseError) -> Bool {
        let code = unsafe sqlite3_step(handle)
        switch code {
        case SQLITE_ROW: return true
        case SQLITE_DONE:
            unsafe sqlite3_reset(handle)
            return false
        default:
            let error = self.error(code)
            unsafe sqlite3_reset(handle)
            throw error
        }
    }

    /// A statement without rows.
    func run() throws(DatabaseError) {
        while try step() {}
    }

    func reset() { unsafe sqlite3_reset(handle) }

    func integer(_ column: Int32) -> Int64 { unsafe sqlite3_column_int64(handle, column) }

    /// How long a column's text is.
    func byteCount(_ column: Int32) -> Int { unsafe Int(sqlite3_column_bytes(handle, column)) }

    /// nil where the column is NULL.
    func bytes(_ column: Int32) -> [UInt8]? {
        var bytes: [UInt8] = []
        return append(column, to: &bytes) == nil ? nil : bytes
    }

    func text(_ column: Int32) -> String? { bytes(column).map { String(decoding: $0, as: UTF8.self) } }

    /// Appends a column's text. Where it is then; nil where the column is NULL.
    func append(_ column: Int32, to bytes: inout [UInt8]) -> Range<Int>? {
        // First the text, then its length: the one may make the other.
        guard let text = unsafe sqlite3_column_text(handle, column) else { return nil }
        let start = bytes.count
        unsafe bytes.append(contentsOf: UnsafeBufferPointer(start: text, count: byteCount(column)))
        return start..<bytes.count
    }

    private func check(_ code: Int32) throws(DatabaseError) {
        guard code == SQLITE_OK else { throw error(code) }
    }

    private func error(_ code: Int32) -> DatabaseError {
        DatabaseError(code: code, message: unsafe String(cString: sqlite3_errmsg(sqlite3_db_handle(handle))))
    }
}

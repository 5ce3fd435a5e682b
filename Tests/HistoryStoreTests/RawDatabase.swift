import CSQLite
import Testing

/// The file as anybody reads it with SQLite.
@safe
final class RawDatabase {
    private let handle: OpaquePointer

    init(_ path: String, flags: Int32 = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE) throws {
        var opened: OpaquePointer?
        #expect(unsafe sqlite3_open_v2(path, &opened, flags, nil) == SQLITE_OK)
        unsafe handle = unsafe try #require(opened)
    }

    deinit { unsafe sqlite3_close_v2(handle) }

    /// Rows as texts; NULL is "NULL".
    @discardableResult
    func rows(_ sql: String) throws -> [[String]] {
        var prepared: OpaquePointer?
        let code = unsafe sqlite3_prepare_v2(handle, sql, -1, &prepared, nil)
        #expect(code == SQLITE_OK, "\(unsafe String(cString: sqlite3_errmsg(handle))): \(sql)")
        let statement = unsafe try #require(prepared)
        defer { unsafe sqlite3_finalize(statement) }
        var rows: [[String]] = []
        while unsafe sqlite3_step(statement) == SQLITE_ROW {
            rows.append(
                (0..<(unsafe sqlite3_column_count(statement))).map { column in
                    guard let text = unsafe sqlite3_column_text(statement, column) else { return "NULL" }
                    return unsafe String(cString: text)
                })
        }
        return rows
    }

    func run(_ sql: String) throws {
        let code = unsafe sqlite3_exec(handle, sql, nil, nil, nil)
        #expect(code == SQLITE_OK, "\(unsafe String(cString: sqlite3_errmsg(handle))): \(sql)")
    }
}

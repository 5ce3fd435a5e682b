/// Everything that is asked of the file while it is open, prepared once.
struct HistoryStatements {
    let begin: Statement
    let commit: Statement
    let rollback: Statement

    let insertSession: Statement
    let setEpoch: Statement
    let setRegistration: Statement
    let setNewestDropped: Statement
    let deleteSession: Statement

    let insertEvent: Statement
    let readEvents: Statement
    let eventAt: Statement
    let firstSince: Statement
    let deleteEvents: Statement

    let insertKey: Statement
    let deleteKeys: Statement
    let keyBefore: Statement
    let deleteKeysBefore: Statement

    let insertDropped: Statement
    let setDropped: Statement
    let deleteDropped: Statement
    let setState: Statement

    init(_ database: Database) throws(DatabaseError) {
        begin = try database.prepare("BEGIN IMMEDIATE")
        commit = try database.prepare("COMMIT")
        rollback = try database.prepare("ROLLBACK")

        insertSession = try database.prepare("INSERT INTO sessions (number, session_id, epoch) VALUES (?, ?, ?)")
        setEpoch = try database.prepare("UPDATE sessions SET epoch = ?2 WHERE number = ?1")
        setRegistration = try database.prepare("UPDATE sessions SET registration = ?2 WHERE number = ?1")
        setNewestDropped = try database.prepare("UPDATE sessions SET newest_dropped = ?2 WHERE number = ?1")
        deleteSession = try database.prepare("DELETE FROM sessions WHERE number = ?")

        insertEvent = try database.prepare(
            "INSERT INTO events (place, published_at, stream_offset, type, key, timestamp, data) VALUES (?, ?, ?, ?, ?, ?, ?)")
        readEvents = try database.prepare(
            "SELECT place, published_at, type, timestamp, key, data FROM events WHERE place > ? AND place <= ? ORDER BY place")
        eventAt = try database.prepare("SELECT published_at, stream_offset FROM events WHERE place = ?")
        firstSince = try database.prepare(
            "SELECT place FROM events WHERE place >= ? AND place <= ? AND published_at >= ? ORDER BY place LIMIT 1")
        deleteEvents = try database.prepare("DELETE FROM events WHERE place >= ? AND place < ?")

        insertKey = try database.prepare(
            "INSERT OR REPLACE INTO keys (number, key, digest, first_sequence, count, published_at) VALUES (?, ?, ?, ?, ?, ?)")
        deleteKeys = try database.prepare(
            "DELETE FROM keys WHERE number = ?1 AND key IN (SELECT key FROM keys WHERE number = ?1 LIMIT ?2)")
        keyBefore = try database.prepare("SELECT 1 FROM keys WHERE published_at < ? LIMIT 1")
        deleteKeysBefore = try database.prepare(
            """
            DELETE FROM keys WHERE (number, key) IN
                (SELECT number, key FROM keys WHERE published_at < ?1 ORDER BY published_at LIMIT ?2)
            """)

        insertDropped = try database.prepare("INSERT INTO dropped (number, oldest, newest) VALUES (?, ?, ?)")
        setDropped = try database.prepare("UPDATE dropped SET oldest = ?2 WHERE number = ?1")
        deleteDropped = try database.prepare("DELETE FROM dropped WHERE number = ?")
        setState = try database.prepare("UPDATE meta SET value = ? WHERE name = 'state'")
    }
}

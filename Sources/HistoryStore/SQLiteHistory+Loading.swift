internal import Sessions

extension SQLiteHistory {
    /// A few reads for each session, whatever it has: no event but its oldest and its newest is looked at.
    func loadBook() throws(DatabaseError) -> (sessions: [StoredSession], broadcastKeys: [StoredKey]) {
        let keys = try loadKeys()
        let oldest = try database.prepare(
            "SELECT place, published_at, stream_offset FROM events WHERE place >= ? AND place <= ? ORDER BY place LIMIT 1")
        let newest = try database.prepare(
            """
            SELECT place, stream_offset, type, timestamp, key, data FROM events WHERE place >= ? AND place <= ? ORDER BY place DESC LIMIT 1
            """)
        let rows = try database.prepare("SELECT number, session_id, epoch, newest_dropped, registration FROM sessions ORDER BY number")
        var sessions: [StoredSession] = []
        var records: [SessionID: SessionRecord] = [:]
        var over: Set<SessionID> = []
        while try rows.step() {
            let id = try Self.sessionID(rows)
            var record = SessionRecord(number: rows.integer(0))
            guard record.number > 0, record.number <= Place.numberMax else { throw .contradiction("a session's number is out of range") }
            let newestDropped = UInt64(clamping: rows.integer(3))
            (record.oldest, record.newest) = (newestDropped + 1, newestDropped)
            try Self.findOldest(&record, oldest)
            try Self.findNewest(&record, newest)
            record.limits = limits.lowered(by: HistoryLimits(registration: rows.bytes(4)))
            records[id] = record
            if isOverLimits(record) { over.insert(id) }
            sessions.append(
                StoredSession(
                    id: id, epoch: try Self.epoch(rows), range: record.range(of: id), registration: rows.bytes(4),
                    keys: keys[record.number, default: []]))
        }
        book = SessionBook(records: records, dropped: try loadDropped())
        overLimits = over
        isExpiryDue = !book.dropped.isEmpty
        return (sessions, keys[Place.noSession, default: []])
    }

    private static func sessionID(_ row: Statement) throws(DatabaseError) -> SessionID {
        do throws(SessionIDError) { return try SessionID(row.text(1) ?? "") } catch { throw .contradiction("\(error)") }
    }

    private static func epoch(_ row: Statement) throws(DatabaseError) -> Epoch? {
        guard let text = row.text(2) else { return nil }
        do throws(EventIDError) { return try Epoch(parsing: text) } catch { throw .contradiction("\(error)") }
    }

    private static func findOldest(_ record: inout SessionRecord, _ query: Statement) throws(DatabaseError) {
        try query.bindWhole(record.number)
        defer { query.reset() }
        guard try query.step() else { return }
        record.oldest = Place.sequence(query.integer(0))
        record.oldestAt = query.integer(1)
        record.bytesBefore = query.integer(2)
    }

    private static func findNewest(_ record: inout SessionRecord, _ query: Statement) throws(DatabaseError) {
        try query.bindWhole(record.number)
        defer { query.reset() }
        guard try query.step() else { return }
        record.newest = Place.sequence(query.integer(0))
        record.bytesEnd = query.integer(1) + (2...5).reduce(0) { $0 + Int64(query.byteCount($1)) }
        guard record.oldest <= record.newest, record.bytes >= 0 else { throw .contradiction("a session's events are out of order") }
    }

    /// Of each session the newest, oldest first. Five minutes of a fast engine's are millions: those are not all taken into memory.
    private func loadKeys() throws(DatabaseError) -> [Int64: [StoredKey]] {
        let rows = try database.prepare(
            """
            SELECT number, key, digest, first_sequence, count, published_at FROM keys
            ORDER BY number, published_at DESC, first_sequence DESC
            """)
        var keys: [Int64: [StoredKey]] = [:]
        while try rows.step() {
            guard keys[rows.integer(0), default: []].count < StoredKey.countMax else { continue }
            keys[rows.integer(0), default: []].append(
                StoredKey(
                    key: rows.text(1) ?? "", digest: UInt64(bitPattern: rows.integer(2)), firstSequence: UInt64(clamping: rows.integer(3)),
                    count: Int(rows.integer(4)), publishedAt: Timestamp(microsecondsSince1970: rows.integer(5))))
        }
        return keys.mapValues { $0.reversed() }
    }

    private func loadDropped() throws(DatabaseError) -> [DroppedSession] {
        let rows = try database.prepare("SELECT number, oldest, newest FROM dropped ORDER BY number")
        var dropped: [DroppedSession] = []
        while try rows.step() {
            dropped.append(
                DroppedSession(
                    number: rows.integer(0), oldest: UInt64(clamping: rows.integer(1)), newest: UInt64(clamping: rows.integer(2))))
        }
        return dropped
    }
}

extension Statement {
    /// All places of a session.
    fileprivate func bindWhole(_ number: Int64) throws(DatabaseError) {
        try bind(Place.of(number, 0), at: 1)
        try bind(Place.of(number, Place.sequenceMax), at: 2)
    }
}

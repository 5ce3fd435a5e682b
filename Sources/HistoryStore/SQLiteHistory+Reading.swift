internal import Sessions

extension SQLiteHistory {
    func readEvents(_ record: SessionRecord, after sequence: UInt64, eventsMax: Int, bytesMax: Int) throws(DatabaseError) -> [StoredEvent] {
        guard eventsMax > 0 else { return [] }
        let rows = statements.readEvents
        try rows.bind(Place.of(record.number, sequence), at: 1)
        try rows.bind(Place.of(record.number, Place.sequenceMax), at: 2)
        defer { rows.reset() }
        var events: [StoredEvent] = []
        var bytes = 0
        while events.count < eventsMax, try rows.step() {
            bytes += (2...5).reduce(0) { $0 + rows.byteCount($1) }
            if bytes > bytesMax, !events.isEmpty { break }
            events.append(try Self.event(rows))
        }
        return events
    }

    /// A body of its own for each event: type, timestamp, key and data, one after the other.
    private static func event(_ row: Statement) throws(DatabaseError) -> StoredEvent {
        var body: [UInt8] = []
        body.reserveCapacity((2...5).reduce(0) { $0 + row.byteCount($1) })
        guard let type = row.append(2, to: &body) else { throw .contradiction("an event has no type") }
        let timestamp = row.append(3, to: &body)
        let key = row.append(4, to: &body)
        guard let data = row.append(5, to: &body) else { throw .contradiction("an event has no data") }
        return StoredEvent(
            sequence: Place.sequence(row.integer(0)), publishedAt: Timestamp(microsecondsSince1970: row.integer(1)), body: body,
            event: PublishedEvent(
                typeRange: type, metricIndex: EventType.metricIndex(of: body.span.extracting(type)), dataRange: data,
                timestampRange: timestamp,
                keyRange: key))
    }
}

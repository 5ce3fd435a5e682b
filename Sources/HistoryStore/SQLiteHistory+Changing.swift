internal import Sessions

extension SQLiteHistory {
    /// Within a transaction.
    func apply(_ change: StoreChange) throws(DatabaseError) {
        switch change {
        case .begin(let session, let epoch): try begin(session, epoch)
        case .register(let session, let registration): try register(session, registration)
        case .append(let session, let events): try append(events, to: session)
        case .key(let session, let key): try insert(key, of: session)
        case .broadcast(let key): try insert(key, Place.noSession)
        case .delete(let session): try delete(session)
        }
    }

    private func begin(_ session: SessionID, _ epoch: Epoch) throws(DatabaseError) {
        guard let record = book[session] else { return try insert(session, epoch) }
        try statements.setEpoch.bind(record.number, at: 1)
        try statements.setEpoch.bind(epoch.description, at: 2)
        try statements.setEpoch.run()
    }

    private func register(_ session: SessionID, _ registration: [UInt8]?) throws(DatabaseError) {
        if book[session] == nil {
            if registration == nil { return }
            try insert(session, nil)
        }
        guard var record = book[session] else { return }
        try statements.setRegistration.bind(record.number, at: 1)
        try statements.setRegistration.bind(registration, at: 2)
        try statements.setRegistration.run()
        let before = limits(of: record)
        record.limits = limits.lowered(by: HistoryLimits(registration: registration))
        book.set(record, for: session)
        let now = limits(of: record)
        if record.count > now.eventsMax || record.count > 1 && record.bytes > Int64(now.bytesMax) { overLimits.insert(session) }
        if now.retention ?? .max < before.retention ?? .max { isExpiryDue = true }
    }

    private func insert(_ session: SessionID, _ epoch: Epoch?) throws(DatabaseError) {
        guard let number = book.takeNumber() else { throw .full("\(Place.numberMax) sessions are kept; there is no number for \(session)") }
        try statements.insertSession.bind(number, at: 1)
        try statements.insertSession.bind(session.description, at: 2)
        try statements.insertSession.bind(epoch?.description, at: 3)
        try statements.insertSession.run()
        book.set(SessionRecord(number: number), for: session)
    }

    private func append(_ events: [StoredEvent], to session: SessionID) throws(DatabaseError) {
        guard var record = book[session] else { throw .contradiction("events of \(session), which has not begun") }
        for event in events {
            guard event.sequence == record.newest + 1 else {
                throw .contradiction("event \(event.sequence) of \(session), whose last is \(record.newest)")
            }
            guard event.sequence <= Place.sequenceMax else { throw .full("\(session) has had all \(Place.sequenceMax) events") }
            if record.count == 0 {
                record.oldestAt = event.publishedAt.microsecondsSince1970
                record.bytesBefore = record.bytesEnd
            }
            try insert(event, Place.of(record.number, event.sequence), offset: record.bytesEnd)
            record.newest += 1
            record.bytesEnd += Int64(event.event.bytes)
        }
        book.set(record, for: session)
    }

    /// The path of every event: nothing is copied, SQLite reads the body where it is.
    private func insert(_ event: StoredEvent, _ place: Int64, offset: Int64) throws(DatabaseError) {
        let insert = statements.insertEvent
        let parts = event.event
        try insert.bind(place, at: 1)
        try insert.bind(event.publishedAt.microsecondsSince1970, at: 2)
        try insert.bind(offset, at: 3)
        try unsafe event.body.withUnsafeBufferPointer { (body) throws(DatabaseError) in
            try unsafe insert.bind(parts.typeRange, of: body, at: 4)
            try unsafe insert.bind(parts.keyRange, of: body, at: 5)
            try unsafe insert.bind(parts.timestampRange, of: body, at: 6)
            try unsafe insert.bind(parts.dataRange, of: body, at: 7)
            try insert.run()
        }
    }

    private func insert(_ key: StoredKey, of session: SessionID) throws(DatabaseError) {
        guard let record = book[session] else { throw .contradiction("a key of \(session), which has not begun") }
        try insert(key, record.number)
    }

    private func insert(_ key: StoredKey, _ number: Int64) throws(DatabaseError) {
        let insert = statements.insertKey
        try insert.bind(number, at: 1)
        try insert.bind(key.key, at: 2)
        try insert.bind(Int64(bitPattern: key.digest), at: 3)
        try insert.bind(Int64(clamping: key.firstSequence), at: 4)
        try insert.bind(Int64(key.count), at: 5)
        try insert.bind(key.publishedAt.microsecondsSince1970, at: 6)
        try insert.run()
    }

    /// Nobody finds the session any more; its events and keys go with `expire`, piece by piece: a million of them would keep everybody waiting.
    private func delete(_ session: SessionID) throws(DatabaseError) {
        guard let record = book[session] else { return }
        try statements.deleteSession.bind(record.number, at: 1)
        try statements.deleteSession.run()
        try statements.insertDropped.bind(record.number, at: 1)
        try statements.insertDropped.bind(Int64(record.oldest), at: 2)
        try statements.insertDropped.bind(Int64(record.newest), at: 3)
        try statements.insertDropped.run()
        book.set(nil, for: session)
        book.drop(DroppedSession(number: record.number, oldest: record.oldest, newest: record.newest))
        isExpiryDue = true
    }
}

extension PublishedEvent {
    /// What counts against a session's limit.
    fileprivate var bytes: Int { typeRange.count + dataRange.count + (timestampRange?.count ?? 0) + (keyRange?.count ?? 0) }
}

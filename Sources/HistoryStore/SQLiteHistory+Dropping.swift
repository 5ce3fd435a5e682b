internal import Sessions

/// How much of the old goes at once, so that whoever waits for the next commit waits a few milliseconds.
private enum Piece {
    static let eventsMax = 8_192
    static let keysMax = 2_048
}

/// From when on events are kept, in microseconds since 1970.
struct Expiry {
    let now: Int64
    /// Of sessions that ask for nothing else.
    let eventsBefore: Int64

    func eventsBefore(of record: SessionRecord) -> Int64 {
        guard let retention = record.limits?.retention else { return eventsBefore }
        let (time, overflow) = now.subtractingReportingOverflow(retention)
        return overflow ? eventsBefore : max(eventsBefore, time)
    }
}

extension SQLiteHistory {
    // MARK: The limits

    func limits(of record: SessionRecord) -> StoreLimits { record.limits ?? limits }

    /// By more than is dropped in passing.
    func isOverLimits(_ record: SessionRecord) -> Bool {
        let limits = limits(of: record)
        return record.count > limits.eventsMax + limits.eventsOver
            || record.count > 1 && record.bytes > Int64(limits.bytesMax) + Int64(limits.bytesOver)
    }

    /// One piece of what sessions have above limits that were lowered, and which of them are done.
    func trimOverLimits() throws(DatabaseError) -> (ranges: [StoredRange], done: [SessionID]) {
        var budget = Piece.eventsMax
        var ranges: [StoredRange] = []
        var done: [SessionID] = []
        for session in overLimits {
            guard budget > 0 else { break }
            guard let record = book[session] else {
                done.append(session)
                continue
            }
            let wanted = try oldestWithinLimits(record, mayBeOver: false)
            let oldest = min(wanted, record.oldest + UInt64(budget))
            if oldest == wanted { done.append(session) }
            guard oldest > record.oldest else { continue }
            budget -= Int(oldest - record.oldest)
            ranges.append(try drop(before: oldest, of: session, record))
        }
        return (ranges, done)
    }

    /// Within the transaction of `changes`: their sessions' oldest events, where there are too many.
    func trim(_ changes: [StoreChange]) throws(DatabaseError) -> [StoredRange] {
        var ranges: [StoredRange] = []
        for change in changes {
            guard case .append(let session, let events) = change, let record = book[session] else { continue }
            // Limits that were lowered are reached piece by piece.
            let oldest = min(try oldestWithinLimits(record, mayBeOver: true), record.oldest + UInt64(Piece.eventsMax + events.count))
            guard oldest > record.oldest else { continue }
            ranges.append(try drop(before: oldest, of: session, record))
        }
        return ranges
    }

    private func oldestWithinLimits(_ record: SessionRecord, mayBeOver: Bool) throws(DatabaseError) -> UInt64 {
        let limits = limits(of: record)
        let (eventsOver, bytesOver) = mayBeOver ? (limits.eventsOver, limits.bytesOver) : (0, 0)
        var oldest = record.oldest
        if record.count > limits.eventsMax + eventsOver { oldest = record.newest - UInt64(limits.eventsMax) + 1 }
        if record.bytes > Int64(limits.bytesMax) + Int64(bytesOver) { oldest = max(oldest, try oldestWithin(limits.bytesMax, record)) }
        return oldest
    }

    /// Every event knows how many bytes were before it, so that the first one to keep is found by halving.
    private func oldestWithin(_ bytesMax: Int, _ record: SessionRecord) throws(DatabaseError) -> UInt64 {
        var (low, high) = (record.oldest, record.newest)
        while low < high {
            let middle = low + (high - low) / 2
            let fits = record.bytesEnd - (try event(at: middle, record).bytesBefore) <= Int64(bytesMax)
            if fits { high = middle } else { low = middle + 1 }
        }
        return low
    }

    private func event(at sequence: UInt64, _ record: SessionRecord) throws(DatabaseError) -> (publishedAt: Int64, bytesBefore: Int64) {
        let query = statements.eventAt
        try query.bind(Place.of(record.number, sequence), at: 1)
        defer { query.reset() }
        guard try query.step() else { throw .contradiction("event \(sequence) of session \(record.number) is missing") }
        return (query.integer(0), query.integer(1))
    }

    private func drop(before oldest: UInt64, of session: SessionID, _ record: SessionRecord) throws(DatabaseError) -> StoredRange {
        var record = record
        try deleteEvents(of: record.number, from: record.oldest, to: oldest)
        try statements.setNewestDropped.bind(record.number, at: 1)
        try statements.setNewestDropped.bind(Int64(oldest - 1), at: 2)
        try statements.setNewestDropped.run()
        record.oldest = oldest
        if oldest <= record.newest {
            (record.oldestAt, record.bytesBefore) = try event(at: oldest, record)
        } else {
            record.bytesBefore = record.bytesEnd
        }
        book.set(record, for: session)
        return record.range(of: session)
    }

    private func deleteEvents(of number: Int64, from: UInt64, to: UInt64) throws(DatabaseError) {
        try statements.deleteEvents.bind(Place.of(number, from), at: 1)
        try statements.deleteEvents.bind(Place.of(number, to), at: 2)
        try statements.deleteEvents.run()
    }

    // MARK: The old and the ended

    func hasSomethingToDrop(_ expiry: Expiry, keysBefore keys: Int64) throws(DatabaseError) -> Bool {
        if !book.dropped.isEmpty || book.records.values.contains(where: { $0.hasEvents(expiry) }) { return true }
        try statements.keyBefore.bind(keys, at: 1)
        defer { statements.keyBefore.reset() }
        return try statements.keyBefore.step()
    }

    /// One piece of it, within a transaction.
    func drop(_ expiry: Expiry, keysBefore keys: Int64) throws(DatabaseError) -> (ranges: [StoredRange], hasMore: Bool) {
        var budget = Piece.eventsMax
        var ranges: [StoredRange] = []
        for session in sessions(withEvents: expiry) {
            guard let record = book[session] else { continue }
            let looked = min(record.count, budget)
            let oldest = try firstSince(expiry.eventsBefore(of: record), record, among: looked)
            budget -= Int(oldest - record.oldest)
            ranges.append(try drop(before: oldest, of: session, record))
            if budget <= 0 { return (ranges, true) }
        }
        while budget > 0, !book.dropped.isEmpty { try dropPieceOfEnded(&budget) }
        try statements.deleteKeysBefore.bind(keys, at: 1)
        try statements.deleteKeysBefore.bind(Int64(Piece.keysMax), at: 2)
        try statements.deleteKeysBefore.run()
        return (ranges, !book.dropped.isEmpty || database.changes == Piece.keysMax)
    }

    private func sessions(withEvents expiry: Expiry) -> [SessionID] {
        // More than a piece has no room for.
        book.records.lazy.filter { $0.value.hasEvents(expiry) }.prefix(Piece.eventsMax).map(\.key)
    }

    /// The first of the oldest events that was published at `time` or later. Not by halving: clocks are set back.
    private func firstSince(_ time: Int64, _ record: SessionRecord, among count: Int) throws(DatabaseError) -> UInt64 {
        let end = record.oldest + UInt64(count)
        let query = statements.firstSince
        try query.bind(Place.of(record.number, record.oldest), at: 1)
        try query.bind(Place.of(record.number, end - 1), at: 2)
        try query.bind(time, at: 3)
        defer { query.reset() }
        return try query.step() ? Place.sequence(query.integer(0)) : end
    }

    private func dropPieceOfEnded(_ budget: inout Int) throws(DatabaseError) {
        guard let ended = book.dropped.last else { return }
        if ended.oldest <= ended.newest {
            let end = min(ended.newest + 1, ended.oldest + UInt64(budget))
            try deleteEvents(of: ended.number, from: ended.oldest, to: end)
            budget -= Int(end - ended.oldest)
            try statements.setDropped.bind(ended.number, at: 1)
            try statements.setDropped.bind(Int64(end), at: 2)
            try statements.setDropped.run()
            return book.setLastDropped(oldest: end)
        }
        try statements.deleteKeys.bind(ended.number, at: 1)
        try statements.deleteKeys.bind(Int64(Piece.keysMax), at: 2)
        try statements.deleteKeys.run()
        budget -= max(1, database.changes)
        guard database.changes < Piece.keysMax else { return }
        try statements.deleteDropped.bind(ended.number, at: 1)
        try statements.deleteDropped.run()
        book.setLastDropped(oldest: nil)
    }
}

extension SessionRecord {
    /// Its oldest is older than what is kept.
    fileprivate func hasEvents(_ expiry: Expiry) -> Bool { count > 0 && oldestAt < expiry.eventsBefore(of: self) }
}

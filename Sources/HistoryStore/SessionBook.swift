internal import Sessions

/// What the file holds of one session, without reading it.
struct SessionRecord {
    let number: Int64
    /// The events kept: none where `oldest` is `newest` + 1.
    var oldest: UInt64 = 1
    var newest: UInt64 = 0
    /// Bytes of the stream before the oldest event, and with the newest: counted from wherever the stream's count began.
    var bytesBefore: Int64 = 0
    var bytesEnd: Int64 = 0
    /// When the oldest event was published, in microseconds since 1970.
    var oldestAt: Int64 = 0
    /// Its own, where its engine asked for less than is kept of others.
    var limits: StoreLimits?

    var count: Int { Int(newest + 1 - oldest) }
    var bytes: Int64 { bytesEnd - bytesBefore }

    func range(of session: SessionID) -> StoredRange { StoredRange(session: session, oldest: oldest, newest: newest) }
}

/// A session that is over, and whose events are still in the file: they go piece by piece.
struct DroppedSession {
    let number: Int64
    var oldest: UInt64
    let newest: UInt64
}

/// Every session's record, as the transaction under way has left it: undone with it.
struct SessionBook {
    private(set) var records: [SessionID: SessionRecord] = [:]
    private(set) var dropped: [DroppedSession] = []
    private var numbers: Set<Int64> = []
    private var lastNumber: Int64 = 0

    // What the transaction changed, as it was before.
    private var recordsBefore: [SessionID: SessionRecord?] = [:]
    private var droppedBefore: [DroppedSession]?
    private var numbersBegun: [Int64] = []
    private var numbersEnded: [Int64] = []

    private let numberMax: Int64

    /// As it was loaded.
    init(records: [SessionID: SessionRecord] = [:], dropped: [DroppedSession] = [], numberMax: Int64 = Place.numberMax) {
        self.numberMax = numberMax
        self.records = records
        self.dropped = dropped
        numbers = Set(records.values.map(\.number)).union(dropped.map(\.number))
        lastNumber = numbers.max() ?? 0
    }

    subscript(session: SessionID) -> SessionRecord? { records[session] }

    mutating func set(_ record: SessionRecord?, for session: SessionID) {
        let before = records[session]
        if recordsBefore[session] == nil { recordsBefore.updateValue(before, forKey: session) }
        records[session] = record
    }

    /// A number that nothing in the file has; nil where all are taken.
    mutating func takeNumber() -> Int64? {
        guard numbers.count < Int(numberMax) else { return nil }
        repeat { lastNumber = lastNumber % numberMax + 1 } while numbers.contains(lastNumber)
        numbers.insert(lastNumber)
        numbersBegun.append(lastNumber)
        return lastNumber
    }

    mutating func drop(_ session: DroppedSession) {
        rememberDropped()
        dropped.append(session)
    }

    /// The last of the dropped has lost its events up to `oldest`; nil: everything, and its number is free.
    mutating func setLastDropped(oldest: UInt64?) {
        rememberDropped()
        if let oldest {
            dropped[dropped.count - 1].oldest = oldest
        } else {
            numbersEnded.append(dropped.removeLast().number)
        }
    }

    private mutating func rememberDropped() {
        if droppedBefore == nil { droppedBefore = dropped }
    }

    /// The transaction is done.
    mutating func commit() {
        numbers.subtract(numbersEnded)
        forget()
    }

    /// The transaction is undone.
    mutating func rollBack() {
        for (session, record) in recordsBefore { records[session] = record }
        if let droppedBefore { dropped = droppedBefore }
        numbers.subtract(numbersBegun)
        forget()
    }

    private mutating func forget() {
        recordsBefore.removeAll(keepingCapacity: true)
        droppedBefore = nil
        numbersBegun.removeAll(keepingCapacity: true)
        numbersEnded.removeAll(keepingCapacity: true)
    }
}

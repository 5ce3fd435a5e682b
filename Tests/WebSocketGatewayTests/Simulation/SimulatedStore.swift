import Sessions

/// A store whose disk survives the gateway, and that fails when the simulation says so.
final class SimulatedStore: HistoryStore {
    struct Session {
        var epoch: Epoch
        var oldest: UInt64 = 1
        var events: [StoredEvent] = []
        var keys: [StoredKey] = []
        var newest: UInt64 { oldest + UInt64(events.count) - 1 }
    }

    /// What is there at the next start.
    final class Disk {
        var sessions: [SessionID: Session] = [:]
        var broadcastKeys: [StoredKey] = []
        var wasClosed = true
    }

    enum Fault {
        case none
        case full
        /// And whether the changes are there afterwards all the same.
        case failed(kept: Bool)
    }

    let disk: Disk
    private let isRelaxed: Bool
    private let eventsMax: Int
    /// Under `relaxed`, what a crash leaves.
    private var synced: ([SessionID: Session], [StoredKey])
    private var isKilled = false
    private var failure: StoreError?
    var nextFault = Fault.none
    private(set) var commits = 0

    init(_ disk: Disk, durability: Durability, eventsMax: Int) {
        self.disk = disk
        isRelaxed = durability == .relaxed
        self.eventsMax = eventsMax
        synced = (disk.sessions, disk.broadcastKeys)
    }

    func load() -> StoredState {
        defer { disk.wasClosed = false }
        let sessions = disk.sessions.map { id, session in
            StoredSession(
                id: id, epoch: session.epoch, range: StoredRange(session: id, oldest: session.oldest, newest: session.newest),
                registration: nil, keys: session.keys)
        }
        return StoredState(
            sessions: sessions, wasClosed: disk.wasClosed, mayHaveLostEvents: isRelaxed && !disk.wasClosed,
            broadcastKeys: disk.broadcastKeys)
    }

    func commit(_ changes: [StoreChange]) throws(StoreError) -> [StoredRange] {
        guard !isKilled else { return [] }
        if let failure { throw failure }
        let fault = nextFault
        nextFault = .none
        if case .full = fault { throw .full("the simulation's disk is full") }
        let before = (disk.sessions, disk.broadcastKeys)
        var dropped: [StoredRange] = []
        for change in changes { try apply(change, &dropped) }
        commits += 1
        if case .failed(let kept) = fault {
            if !kept { (disk.sessions, disk.broadcastKeys) = before }
            let error = StoreError.failed("the simulation's disk failed")
            failure = error
            throw error
        }
        if !isRelaxed { synced = (disk.sessions, disk.broadcastKeys) }
        return dropped
    }

    private func apply(_ change: StoreChange, _ dropped: inout [StoredRange]) throws(StoreError) {
        switch change {
        case .begin(let id, let epoch):
            if disk.sessions[id] == nil { disk.sessions[id] = Session(epoch: epoch) } else { disk.sessions[id]!.epoch = epoch }
        case .register: break
        case .append(let id, let events):
            guard var session = disk.sessions[id], let first = events.first, first.sequence == session.newest + 1 else {
                throw .failed("a gap: \(events.first?.sequence ?? 0) behind \(disk.sessions[id]?.newest ?? 0)")
            }
            session.events += events
            if session.events.count > eventsMax {
                let excess = session.events.count - eventsMax
                session.events.removeFirst(excess)
                session.oldest += UInt64(excess)
                dropped.append(StoredRange(session: id, oldest: session.oldest, newest: session.newest))
            }
            disk.sessions[id] = session
        case .key(let id, let key): disk.sessions[id]?.keys.append(key)
        case .broadcast(let key): disk.broadcastKeys.append(key)
        case .delete(let id): disk.sessions[id] = nil
        }
    }

    func expire(now: Timestamp, eventsBefore: Timestamp, keysBefore: Timestamp) -> [StoredRange] { [] }

    func trim() -> [StoredRange] { [] }

    func read(_ id: SessionID, after sequence: UInt64, eventsMax: Int, bytesMax: Int) throws(StoreError) -> [StoredEvent] {
        if let failure { throw failure }
        guard let session = disk.sessions[id] else { return [] }
        var bytes = 0
        var events: [StoredEvent] = []
        for event in session.events.drop(while: { $0.sequence <= sequence }) {
            bytes += event.event.dataRange.count
            if !events.isEmpty, bytes > bytesMax || events.count == eventsMax { break }
            events.append(event)
        }
        return events
    }

    var bytes: Int { disk.sessions.count }
    let hasMoreToDrop = false

    func close(clean: Bool) {
        guard !isKilled else { return }
        disk.wasClosed = clean && failure == nil
    }

    /// The process ends here: nothing reaches the disk any more, and what was not synced is gone.
    func kill() {
        isKilled = true
        (disk.sessions, disk.broadcastKeys) = synced
    }

    /// Now and then the disk takes what was written.
    func sync() { if !isKilled { synced = (disk.sessions, disk.broadcastKeys) } }
}

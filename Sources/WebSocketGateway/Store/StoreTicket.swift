internal import Sessions

/// What one turn of a worker's homes gives to the store: all of it is kept, or none.
struct StoreTicket: Sendable {
    let worker: Int
    let number: UInt64
    /// Grows with each ticket that failed: those posted behind it, whose events would leave a gap, fail with it.
    let attempt: UInt64
    let changes: [StoreChange]
    /// Of the events, for the queue's bound.
    let bytes: Int

    var registers: Bool { changes.contains { if case .register = $0 { true } else { false } } }
}

/// What the store thread is asked for.
enum StoreMail: Sendable {
    case commit(StoreTicket)
    /// A page for a connection that is behind the ring of its session's home.
    case readPage(HistoryRequest, homeWorker: Int)
    case read(SessionID, after: UInt64, eventsMax: Int, bytesMax: Int, @Sendable (Result<[StoredEvent], StoreError>) -> Void)
    /// Everything posted before is done; then the store is closed.
    case stop
}

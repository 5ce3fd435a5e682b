internal import Sessions

/// What a worker's homes have for the store, and what they wait for from it.
///
/// Flow: SessionHome → **HomeStoring** → StoreTicket → StoreCore
struct HomeStoring {
    /// Who is answered when a ticket is.
    enum Waiting {
        /// Events that are not seen before they are committed.
        case release([Frame], HomeSession, Receipt)
        /// Events that are seen already; the engine waits, because the store is slower than it.
        case receipt(Receipt)
        case call(@Sendable (StoreError?) -> Void)
    }

    struct Posted {
        let number: UInt64
        let bytes: Int
        let waiting: [Waiting]
    }

    let durability: Durability
    /// Why nothing may be published any more.
    var refusal: PublishRefusal?
    /// Under `relaxed` a store that failed is written no more, and everything goes on without it.
    private(set) var isAbandoned = false

    /// New since the last ticket.
    var changes: [StoreChange] = []
    var waiting: [Waiting] = []
    var bytes = 0

    /// With the store, oldest first.
    private(set) var posted: ArraySlice<Posted> = []
    private(set) var postedBytes = 0
    private(set) var attempt: UInt64 = 0
    private var nextNumber: UInt64 = 0

    /// So much may wait for a store under `relaxed` before engines wait as well.
    static let queuedBytesMax = 32 << 20

    init(_ durability: Durability) { self.durability = durability }

    var isStoring: Bool { durability != .memory && !isAbandoned }
    /// Engines are held back by their windows when the store cannot follow.
    var isFull: Bool { postedBytes + bytes > Self.queuedBytesMax }
    var hasUnposted: Bool { !changes.isEmpty || !waiting.isEmpty }
    var isWaiting: Bool { !posted.isEmpty || hasUnposted }

    mutating func takeTicket(worker: Int) -> StoreTicket {
        nextNumber += 1
        let ticket = StoreTicket(worker: worker, number: nextNumber, attempt: attempt, changes: changes, bytes: bytes)
        posted.append(Posted(number: nextNumber, bytes: bytes, waiting: waiting))
        postedBytes += bytes
        (changes, waiting, bytes) = ([], [], 0)
        return ticket
    }

    /// The oldest ticket is answered; nil for one that failed with an earlier.
    mutating func takeAnswered(_ number: UInt64, attempt: UInt64) -> Posted? {
        guard attempt == self.attempt, let first = posted.first, first.number == number else { return nil }
        posted.removeFirst()
        postedBytes -= first.bytes
        return first
    }

    /// Everything that is with the store or waits for it has failed.
    mutating func takeFailed() -> [Waiting] {
        let all = posted.flatMap(\.waiting) + waiting
        posted = []
        postedBytes = 0
        (changes, waiting, bytes) = ([], [], 0)
        attempt += 1
        return all
    }

    mutating func abandon() { isAbandoned = true }
}

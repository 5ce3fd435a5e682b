/// One worker's share of the memory budget, and what takes it, as of the last look (docs/decisions/0016).
struct MemoryShare {
    /// What the kernel keeps unsent for a connection at the most, before it asks for no more.
    static let unsentBytesMax = 32_768

    let bytes: Int
    /// What waits in queues, beyond what the histories keep.
    private(set) var queues = 0
    /// What the kernel may hold for connections whose sockets have not taken everything.
    private(set) var kernel = 0
    /// Queued bytes, shared ones counted with each queue, beyond which it is looked before a second is over.
    private(set) var looksAbove: UInt64

    init(bytes: Int) {
        self.bytes = bytes
        looksAbove = UInt64(bytes / 8)
    }

    mutating func note(queues: Int, lagging: Int, queuedBytes: UInt64) {
        self.queues = queues
        kernel = lagging * Self.unsentBytesMax
        looksAbove = queuedBytes &+ UInt64(bytes / 8)
    }

    /// Beside what others take, and half in any case: who does not read must not be able to take everybody's history.
    var historyRoom: Int { max(bytes / 2, bytes - queues - kernel) }

    /// How much too much there is.
    func excess(history: Int) -> Int { max(0, history + queues + kernel - bytes) }
}

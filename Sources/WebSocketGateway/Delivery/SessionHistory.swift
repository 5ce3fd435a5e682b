internal import Sessions

/// What a session keeps of its stream for those who come late or fall behind: its newest events up to the head, without a gap.
///
/// A ring: the oldest makes room for the newest, and nothing else moves.
///
/// Flow: SessionHome → **SessionHistory** → HistoryPage → ClientConnection, `GET /v1/sessions/{id}/events`
struct SessionHistory {
    struct Limits: Sendable {
        /// 0 keeps nothing.
        let eventsMax: Int
        /// Of what ``bytes`` counts.
        let bytesMax: Int
        /// Nanoseconds.
        let retention: UInt64

        /// These for one session, whose engine may ask for less.
        func lowered(by own: HistoryLimits) -> Limits {
            Limits(
                eventsMax: min(eventsMax, max(0, own.eventsMax ?? .max)), bytesMax: min(bytesMax, max(0, own.bytesMax ?? .max)),
                retention: own[.retention].map { UInt64(clamping: min($0, Int64(clamping: retention / 1_000_000))) * 1_000_000 }
                    ?? retention)
        }
    }

    /// Each event's place in the ring and its array's header, beside its bytes.
    static let overheadBytes = MemoryLayout<KeptFrame?>.stride + 32

    private var ring: ContiguousArray<KeptFrame?> = []
    /// Where in the ring the oldest is.
    private var first = 0
    /// The oldest's sequence.
    private var firstSequence: UInt64 = 0
    private(set) var count = 0
    /// What the events kept cost in memory.
    private(set) var bytes = 0

    var isEmpty: Bool { count == 0 }
    /// When the oldest was published, monotonic nanoseconds.
    var oldestPublishedAt: UInt64? { ring.isEmpty ? nil : ring[first]?.publishedAt }

    /// The oldest's sequence; beyond all where nothing is kept.
    var keptFrom: UInt64 { isEmpty ? .max : firstSequence }

    private static func cost(_ frame: KeptFrame) -> Int { frame.bytes.count + overheadBytes + (frame.key?.bytesInMemory ?? 0) }

    /// Keeps the stream's next event. Returns how many of the oldest went for it, and by how much ``bytes`` grew.
    mutating func append(_ frame: Frame, _ limits: Limits) -> (dropped: Int, growth: Int) {
        guard limits.eventsMax > 0 else { return (0, 0) }
        let kept = KeptFrame(frame)
        let cost = Self.cost(kept)
        let before = bytes
        var dropped = 0
        // An event over the limit by itself leaves a history of one: who lags by one need not lose it.
        while count > 0, count >= limits.eventsMax || bytes + cost > limits.bytesMax {
            dropOldest()
            dropped += 1
        }
        if isEmpty { firstSequence = frame.id.sequence }
        push(kept, cost)
        return (dropped, bytes - before)
    }

    mutating func dropOldest() {
        guard count > 0, let oldest = ring[first] else { return }
        bytes -= Self.cost(oldest)
        ring[first] = nil
        first = (first + 1) & (ring.count - 1)
        firstSequence += 1
        count -= 1
    }

    /// After events were dropped and none came: a ring that is three quarters empty is made as small as it can be, and none where nothing is left.
    mutating func giveBackRoom() {
        guard count * 4 <= ring.count else { return }
        var smaller = SessionHistory()
        smaller.firstSequence = firstSequence
        for i in 0..<count { if let frame = ring[(first + i) & (ring.count - 1)] { smaller.push(frame, Self.cost(frame)) } }
        self = smaller
    }

    private mutating func push(_ frame: consuming KeptFrame, _ cost: Int) {
        if count == ring.count { grow() }
        // An assignment copies what it is given, and waits for memory that is not in the cache any more, to look at the nil that is there.
        var kept: KeptFrame? = consume frame
        let place = (first + count) & (ring.count - 1)
        unsafe ring.withUnsafeMutableBufferPointer { unsafe $0.initializeElement(at: place, to: kept.take()) }
        count += 1
        bytes += cost
    }

    /// To the next power of two. A full ring; nearly always nothing was dropped from it yet, and then its frames are moved, not copied.
    private mutating func grow() {
        if first > 0 { (ring, first) = (ContiguousArray(ring[first...]) + ring[..<first], 0) }
        let count = max(1, ring.count * 2)
        ring.reserveCapacity(count)
        // One by one: appending a repeated element asks the runtime of each.
        while ring.count < count { ring.append(nil) }
    }

    /// The events behind `sequence`, which is not above the head's: at most `eventsMax`, and at most `bytesMax` bytes of them but always one.
    func page(after sequence: UInt64, head: EventID, eventsMax: Int = .max, bytesMax: Int) -> HistoryPage {
        let oldest = head.sequence - UInt64(count) + 1
        let start = max(sequence + 1, oldest)
        let lost = start > sequence + 1 ? HistoryPage.Lost(epoch: head.epoch, first: sequence + 1, last: start - 1) : nil
        var frames: [Frame] = []
        var size = 0
        var offset = Int(start - oldest)
        while offset < count, frames.count < eventsMax, let kept = ring[(first + offset) & (ring.count - 1)] {
            size += kept.bytes.count
            guard frames.isEmpty || size <= bytesMax else { break }
            frames.append(Frame(kept, id: EventID(epoch: head.epoch, sequence: oldest + UInt64(offset))))
            offset += 1
        }
        return HistoryPage(frames: frames, lost: lost, last: oldest + UInt64(offset) - 1, isHead: offset == count)
    }
}

/// Some events of a history, in order.
struct HistoryPage: Sendable {
    /// What was asked for and is kept no more.
    struct Lost: Sendable, Equatable {
        let epoch: Epoch
        let first: UInt64
        let last: UInt64
        var firstID: EventID { EventID(epoch: epoch, sequence: first) }
        var lastID: EventID { EventID(epoch: epoch, sequence: last) }
    }

    let frames: [Frame]
    /// Stands before the frames.
    let lost: Lost?
    /// The sequence that the page reaches to: the next one begins behind it.
    let last: UInt64
    /// Nothing was published behind it.
    let isHead: Bool
}

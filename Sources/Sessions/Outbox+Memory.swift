/// What many outboxes cost in memory. Bytes that several of them refer to are counted once, and those that a history keeps not at all.
package struct OutboxMemory {
    package private(set) var bytes = 0
    private var seen: Set<UInt> = []

    /// An array's header, beside its bytes.
    private static let headerBytes = 32

    package init() {}

    /// Counts an outbox. Its events from `keptFrom` on are in the history, byte for byte; nil: none of them.
    /// - Returns: what it would cost were it alone.
    package mutating func add(_ outbox: Outbox, keptFrom: UInt64?) -> Int {
        var own = outbox.bookkeepingBytes
        bytes += own
        for entry in outbox.entries[outbox.first...] where !entry.bytes.isEmpty {
            if let keptFrom, entry.sequence >= keptFrom, entry.sequence > 0 { continue }
            let cost = entry.bytes.count + Self.headerBytes
            own += cost
            // A message of our own is nobody else's.
            if entry.sequence == 0 || seen.insert(Self.address(entry.bytes)).inserted { bytes += cost }
        }
        return own
    }

    private static func address(_ bytes: [UInt8]) -> UInt {
        unsafe bytes.withUnsafeBufferPointer { UInt(bitPattern: $0.baseAddress) }
    }
}

extension Outbox {
    fileprivate var bookkeepingBytes: Int {
        entries.capacity * MemoryLayout<Entry>.stride + latest.ranges * MemoryLayout<ClosedRange<UInt64>>.stride
            + latest.places.capacity * (MemoryLayout<ConflationKey>.stride + MemoryLayout<LatestPlaces.Place>.stride)
    }

    /// What waits now stays, whatever ``takeBackEvents()`` is asked for: what is appended next stands behind it.
    package mutating func keepWhatWaits() { latest.keptBefore = entries.count - latest.shift }

    /// Takes back the events at the end that have not begun, with what policy left out among them: down to a message that is no event, or to what
    /// ``keepWhatWaits()`` named. From the history they come again.
    /// - Returns: the sequence before the first of them, and how many events they are; nil where there is none.
    package mutating func takeBackEvents() -> (after: UInt64, events: Int)? {
        let hasBegun = first < entries.count && entries[first].sent > 0
        let end = max(hasBegun ? first + 1 : first, latest.keptBefore + latest.shift)
        var (oldest, events): (UInt64?, Int) = (nil, 0)
        taking: while entries.count > first, let entry = entries.last {
            switch entry.kind {
            // Nothing is left behind it that it could stand before.
            case .omission(let omission):
                oldest = omission.ranges.first?.lowerBound ?? oldest
                latest.ranges -= omission.ranges.count
                absent -= 1
            case .message where entry.bytes.isEmpty: absent -= 1
            case .message where entry.sequence > 0 && entries.count > end:
                oldest = entry.sequence
                events += 1
                bytes -= entry.bytes.count
            case .message, .pong, .close: break taking
            }
            entries.removeLast()
        }
        guard let oldest else { return nil }
        giveBackRoom()
        return (oldest - 1, events)
    }

    private mutating func giveBackRoom() {
        guard first < entries.count else {
            (entries, first, absent, latest) = ([], 0, 0, LatestPlaces())
            return
        }
        latest.entriesWereRemoved(first)
        let (shift, count) = (latest.shift, entries.count - first)
        latest.places = latest.places.filter { $0.value.index + shift < count }
        // Not the slice as it is: that would keep the room of all there were.
        entries = entries[first...].map(\.self)
        first = 0
    }
}

/// Proves that one connection got every event exactly once, in order: what came, what is missing, what came twice or late.
struct DeliveryLedger: Equatable {
    enum Verdict: Equatable {
        case inOrder
        /// So many before this one have not come.
        case gap(UInt64)
        case late
        case duplicate
    }

    /// What is remembered of holes; beyond it a late event counts as a duplicate, and the run has failed anyway.
    static let holesMax = 64

    /// The sequence that should come next.
    private(set) var next: UInt64
    private(set) var received: UInt64 = 0
    private(set) var missing: UInt64 = 0
    /// Left out by the session's policy, and announced.
    private(set) var conflated: UInt64 = 0
    private(set) var duplicated: UInt64 = 0
    private(set) var outOfOrder: UInt64 = 0
    private var holes: [ClosedRange<UInt64>] = []

    init(next: UInt64) { self.next = next }

    mutating func receive(_ sequence: UInt64) -> Verdict {
        received += 1
        if sequence == next {
            next += 1
            return .inOrder
        }
        return sequence > next ? receiveAhead(sequence) : receiveBehind(sequence)
    }

    /// The gateway says that it left these out: they come no more, and are no loss. False where it says so at another place than theirs.
    mutating func leaveOut(_ first: UInt64, _ last: UInt64) -> Bool {
        guard first == next, last >= first, last < .max else { return false }
        conflated += last - first + 1
        next = last + 1
        return true
    }

    private mutating func receiveAhead(_ sequence: UInt64) -> Verdict {
        let skipped = sequence - next
        missing += skipped
        if holes.count < Self.holesMax { holes.append(next...sequence - 1) }
        next = sequence + 1
        return .gap(skipped)
    }

    private mutating func receiveBehind(_ sequence: UInt64) -> Verdict {
        guard let index = holes.firstIndex(where: { $0.contains(sequence) }) else {
            duplicated += 1
            return .duplicate
        }
        let hole = holes.remove(at: index)
        if hole.lowerBound < sequence { holes.append(hole.lowerBound...sequence - 1) }
        if sequence < hole.upperBound { holes.append(sequence + 1...hole.upperBound) }
        missing -= 1
        outOfOrder += 1
        return .late
    }
}

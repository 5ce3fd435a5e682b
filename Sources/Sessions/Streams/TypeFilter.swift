/// The types one connection wants: the `types` of its query.
package struct TypeFilter: Sendable, Equatable {
    package static let typesMax = 64

    /// Bit `EventType.metricIndex` for each known type: most events are decided by one shift.
    private var known: UInt64 = 0
    private var others: [String] = []

    /// Reads 1 to 64 comma-separated types. A type named twice is wanted once.
    /// - Returns: nil when there are none, too many, or one is not `[a-z][a-z0-9_]{0,63}`.
    package static func parse(_ text: some StringProtocol) -> TypeFilter? {
        var filter = TypeFilter()
        var count = 0
        // One split more than there may be: enough to see that there are too many.
        for name in text.split(separator: ",", maxSplits: typesMax, omittingEmptySubsequences: false) {
            count += 1
            guard count <= typesMax, filter.add(String(name)) else { return nil }
        }
        return filter
    }

    package func contains(_ type: Span<UInt8>) -> Bool {
        contains(type, metricIndex: EventType.metricIndex(of: type))
    }

    /// As `contains`, where the index is known already.
    package func contains(_ type: Span<UInt8>, metricIndex: Int) -> Bool {
        if metricIndex < EventType.known.count { return known >> UInt64(metricIndex) & 1 == 1 }
        for other in others where type.isEqual(toText: other) { return true }
        return false
    }

    private mutating func add(_ name: String) -> Bool {
        let bytes = name.utf8.span
        guard EventType.isWellFormed(bytes) else { return false }
        let index = EventType.metricIndex(of: bytes)
        if index < EventType.known.count {
            known |= 1 << UInt64(index)
        } else if !others.contains(name) {
            others.append(name)
        }
        return true
    }
}

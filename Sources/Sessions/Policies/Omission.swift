/// What policy left out between two messages to one connection, so that it can be announced where it would have been.
package struct Omission: Sendable, Equatable {
    package let epoch: Epoch
    /// Sequences, ascending, with others between any two.
    package private(set) var ranges: [ClosedRange<UInt64>]
    /// Of the events left out, each once.
    package private(set) var types: [String]

    package init(_ id: EventID, type: String) {
        epoch = id.epoch
        ranges = [id.sequence...id.sequence]
        types = [type]
    }

    /// Adds what was left out behind it.
    package mutating func append(_ other: Omission) {
        for range in other.ranges {
            if let last = ranges.last, last.upperBound + 1 == range.lowerBound {
                ranges[ranges.count - 1] = last.lowerBound...range.upperBound
            } else {
                ranges.append(range)
            }
        }
        for type in other.types where !types.contains(type) { types.append(type) }
    }

    package var ids: [(first: EventID, last: EventID)] {
        ranges.map { (EventID(epoch: epoch, sequence: $0.lowerBound), EventID(epoch: epoch, sequence: $0.upperBound)) }
    }
}

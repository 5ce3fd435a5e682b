/// What a connection that lags gets of an event type. One that does not lag gets everything, at once.
public enum DeliveryPolicy: String, Sendable, CaseIterable {
    /// Every event.
    case deliver

    /// The newest event of each key: a newer one takes an older one's place while that still waits. What is left out is announced.
    case latest
}

/// The delivery policies of one session: the gateway's own, and what its engine said instead.
///
/// Flow: PublishedEvent → **DeliveryPolicies** → ConflationKey → Frame
@usableFromInline
package struct DeliveryPolicies: Sendable, Equatable {
    /// How many types one session may have a policy of its own for.
    package static let typesMax = 64

    /// Bit `EventType.metricIndex` for each known type, and the next for whether there are ``others``: most events are decided by one shift.
    @usableFromInline
    private(set) var latest: UInt64
    /// Of those, the types that are `latest` only with a key: without one they are about nothing in particular.
    private var latestWithKey: UInt64
    /// `latest` types that are not known.
    private var others: Set<String> = []

    package init(_ overrides: [EventType: DeliveryPolicy] = [:]) {
        (latest, latestWithKey) = (
            Self.bits([.statsUpdate, .countdownUpdate, .priceUpdate, .positionUpdated]), Self.bits([.positionUpdated])
        )
        for (type, policy) in overrides { set(type, policy) }
    }

    private static func bits(_ types: [EventType]) -> UInt64 { types.reduce(0) { $0 | 1 << UInt64($1.metricIndex) } }

    /// What an engine says holds with a key and without one.
    private mutating func set(_ type: EventType, _ policy: DeliveryPolicy) {
        let index = type.metricIndex
        guard index < EventType.known.count else {
            if policy == .latest {
                others.insert(type.rawValue)
                latest |= 1 << UInt64(index)
            }
            return
        }
        let bit: UInt64 = 1 << UInt64(index)
        latestWithKey &= ~bit
        if policy == .latest { latest |= bit } else { latest &= ~bit }
    }

    /// Whether ``key(of:in:)`` may be other than nil for an event of a type. Inlined, and of numbers alone: who asks it copies no table.
    @inlinable
    @inline(__always)
    package func mayHaveKey(metricIndex: Int) -> Bool { latest >> UInt64(truncatingIfNeeded: metricIndex) & 1 == 1 }

    /// What the event is the latest of; nil where every event is delivered.
    package func key(of event: PublishedEvent, in body: Span<UInt8>) -> ConflationKey? {
        if event.metricIndex < EventType.known.count {
            let bit: UInt64 = 1 << UInt64(event.metricIndex)
            guard latest & bit != 0, latestWithKey & bit == 0 || event.keyRange != nil else { return nil }
        } else {
            guard !others.isEmpty, others.contains(where: { body.extracting(event.typeRange).isEqual(toText: $0) }) else { return nil }
        }
        return ConflationKey(event, in: body)
    }
}

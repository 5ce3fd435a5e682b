internal import Sessions

/// How much of each session is kept. A session may have a tenth more for a while: its oldest events go in one piece.
package struct StoreLimits: Sendable {
    /// Events of one session; 0 keeps none.
    package let eventsMax: Int
    /// Bytes of one session's events: type, data, and what they have of a timestamp and a key. The newest event is kept whatever its size.
    package let bytesMax: Int
    /// How old an event of one session may be, in microseconds; nil where that is the same for all.
    private(set) var retention: Int64?

    package init(eventsMax: Int, bytesMax: Int) {
        precondition(eventsMax >= 0 && bytesMax >= 0, "a limit is not negative")
        // More than there can be is no limit, and nothing is added to it that overflows.
        self.eventsMax = min(eventsMax, 1 << 40)
        self.bytesMax = min(bytesMax, 1 << 60)
    }

    /// These for one session, which may ask for less; nil where it does not.
    func lowered(by own: HistoryLimits) -> StoreLimits? {
        guard own != HistoryLimits() else { return nil }
        var lowered = StoreLimits(
            eventsMax: min(eventsMax, max(0, own.eventsMax ?? .max)), bytesMax: min(bytesMax, max(0, own.bytesMax ?? .max)))
        lowered.retention = own[.retention].map { $0 * 1000 }
        return lowered
    }

    /// How far over its limit a session may be before its oldest events go: a tenth, so that dropping costs each event once and little, and no more
    /// than is dropped within a millisecond or two.
    var eventsOver: Int { min(eventsMax / 10, 1024) }
    var bytesOver: Int { min(bytesMax / 10, 1 << 20) }
}

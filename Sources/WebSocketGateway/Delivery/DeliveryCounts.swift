/// What became of one event at the members it was meant for.
struct EventCounts: Sendable, Equatable {
    var connections = 0
    /// Taken whole by the kernel.
    var sent = 0
    /// Waiting in a connection's outbox, whole or in part.
    var queued = 0
    /// Waiting in the history for a connection that is behind.
    var behind = 0
    /// Left out of a connection's queue for a newer one of the same batch.
    var conflated = 0
    /// The connection failed or was closed as too slow.
    var dropped = 0

    static func += (left: inout EventCounts, right: EventCounts) {
        left.connections += right.connections
        left.sent += right.sent
        left.queued += right.queued
        left.behind += right.behind
        left.conflated += right.conflated
        left.dropped += right.dropped
    }
}

/// What became of a batch. Nearly always every member took all of it, and then two numbers say everything.
struct DeliveryCounts: Sendable, Equatable {
    /// Members that took the whole batch in one send.
    var uniform = 0
    /// Members that will get the whole batch from the history.
    var uniformBehind = 0
    /// The others, event by event; empty when there are none.
    var perEvent: [EventCounts] = []

    /// Counts one member that took `sent` of the batch's events in its place: `queued` follow, then `behind`, the rest were dropped.
    mutating func addPartial(events: Int, sent: Int, queued: Int, behind: Int = 0) {
        if perEvent.isEmpty { perEvent = Array(repeating: EventCounts(), count: events) }
        for i in 0..<events {
            perEvent[i].connections += 1
            if i < sent {
                perEvent[i].sent += 1
            } else if i < sent + queued {
                perEvent[i].queued += 1
            } else if i < sent + queued + behind {
                perEvent[i].behind += 1
            } else {
                perEvent[i].dropped += 1
            }
        }
    }

    /// An event that was counted as queued was left out for a newer one of the batch.
    mutating func conflate(event: Int) {
        perEvent[event].queued -= 1
        perEvent[event].conflated += 1
    }

    /// Counts one event for a member that gets events one by one.
    mutating func add(event: Int, of events: Int, _ counts: EventCounts) {
        if perEvent.isEmpty { perEvent = Array(repeating: EventCounts(), count: events) }
        perEvent[event] += counts
    }

    mutating func add(_ other: DeliveryCounts) {
        uniform += other.uniform
        uniformBehind += other.uniformBehind
        if perEvent.isEmpty {
            perEvent = other.perEvent
        } else {
            for i in other.perEvent.indices { perEvent[i] += other.perEvent[i] }
        }
    }

    func counts(ofEvent i: Int) -> EventCounts {
        var counts = perEvent.isEmpty ? EventCounts() : perEvent[i]
        counts.connections += uniform + uniformBehind
        counts.sent += uniform
        counts.behind += uniformBehind
        return counts
    }
}

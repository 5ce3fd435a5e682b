/// The numbering of one session's events: which id and which time the next one gets.
package struct SessionStream: Sendable {
    /// Nil while the stream is empty.
    package private(set) var lastID: EventID?

    private var clock = TimestampClock()

    package init() {}

    /// Goes on behind `lastID`.
    package init(lastID: EventID?) { self.lastID = lastID }

    package var epoch: Epoch? { lastID?.epoch }
    package var lastSequence: UInt64 { lastID?.sequence ?? 0 }

    /// Stands where another stream of the session stands. Its clock goes on: times it gave are not given again.
    package mutating func reach(_ id: EventID?) { lastID = id }

    /// Gives the next event its place.
    /// - Parameters:
    ///   - now: the wall clock.
    ///   - newEpoch: asked for once, at the first event.
    /// - Returns: the event's id, and its timestamp should the engine have sent none.
    package mutating func append(now: Timestamp, epoch newEpoch: @autoclosure () -> Epoch) -> (id: EventID, timestamp: Timestamp) {
        let id =
            if let lastID {
                // One event a nanosecond reaches 2⁶³ after 292 years.
                EventID(epoch: lastID.epoch, sequence: lastID.sequence + 1)
            } else {
                EventID(epoch: newEpoch(), sequence: 1)
            }
        lastID = id
        return (id, clock.next(now: now))
    }
}

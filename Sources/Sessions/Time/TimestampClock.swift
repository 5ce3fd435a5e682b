/// Gives each event of a session its own microsecond.
///
/// The existing front end de-duplicates events by type and timestamp: two equal timestamps would cost a client an event.
/// A wall clock that stands still or steps back is therefore overruled.
package struct TimestampClock: Sendable {
    private var last: Timestamp?

    package init() {}

    /// `now`, or one microsecond after the last answer, whichever is later.
    package mutating func next(now: Timestamp) -> Timestamp {
        var next = now
        if let last, now <= last {
            // Saturates in the year 294247, where strictly increasing ends.
            let (value, overflow) = last.microsecondsSince1970.addingReportingOverflow(1)
            next = overflow ? last : Timestamp(microsecondsSince1970: value)
        }
        last = next
        return next
    }
}

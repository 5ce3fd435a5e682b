internal import Sessions

/// Where one viewer of a recorded session is, and when it gets what follows. At most a page of the history, as references.
///
/// Flow: HistoryPage → **Replay** → ClientConnection+Replaying
final class Replay {
    /// A `seek` to a time: pages are read from the history's beginning, one at a time, until one reaches it.
    struct Search {
        let command: ClientCommand
        let time: Timestamp
        var after: UInt64 = 0
    }

    var clock: ReplayClock
    var search: Search?
    /// The page that was asked for is of another place than the one that is wanted now.
    var dropsAnswer = false
    /// The event before the first is read again, and not sent: what follows is timed by it, and it may have been the session's last.
    private var rereads: Bool
    /// Everything was played; the next batch brings more.
    var isAtHead = false
    /// The newest event behind the viewer is `session_completed`.
    private(set) var isCompleted = false
    private var page: [Frame] = []
    private var next = 0
    /// The sequence that the page reaches to.
    private(set) var pageEnd: UInt64 = 0

    /// `now` is the loop's, in milliseconds.
    init(_ speed: ReplaySpeed, now: UInt64, rereads: Bool) {
        clock = ReplayClock(speed: speed, now: now * 1000)
        self.rereads = rereads
    }

    /// Where the next page begins for a viewer that has what is up to `sequence`.
    func readsAfter(_ sequence: UInt64) -> UInt64 { search?.after ?? (rereads && sequence > 0 ? sequence - 1 : sequence) }

    var hasMore: Bool { next < page.count }

    /// When the next event is due, in microseconds; nil where there is none in hand, or while paused.
    var nextDue: UInt64? { hasMore ? clock.due(page[next].time) : nil }

    /// The next event in hand, if it is due by `now`.
    func playNext(now: UInt64) -> Frame? {
        guard hasMore else { return nil }
        let (frame, time) = (page[next], page[next].time)
        guard let due = clock.due(time), due <= now else { return nil }
        next += 1
        clock.play(time, now: now)
        note(frame)
        return frame
    }

    private func note(_ frame: Frame) { isCompleted = Int(frame.typeIndex) == Self.completed }

    private static let completed = EventType.sessionCompleted.metricIndex

    /// Takes what follows `sequence`, and returns what of it is lost.
    func take(_ new: HistoryPage, after sequence: UInt64, now: UInt64) -> HistoryPage.Lost? {
        var lost = new.lost
        next = 0
        page = new.frames
        pageEnd = new.last
        if rereads {
            rereads = false
            if let first = page.first, first.id.sequence <= sequence {
                note(first)
                clock.jump(behind: first.time, now: now)
                next = 1
            }
            // That one is gone is no loss: it was seen.
            lost = lost.flatMap { $0.last > sequence ? HistoryPage.Lost(epoch: $0.epoch, first: sequence + 1, last: $0.last) : nil }
        }
        isAtHead = new.isHead && !hasMore
        return lost
    }

    /// Goes on elsewhere: with these events of a page, or where there are none with a page to come.
    func jump(to frames: ArraySlice<Frame> = [], end: UInt64 = 0, now: UInt64) {
        (page, next, pageEnd) = (Array(frames), 0, end)
        (rereads, isAtHead, isCompleted) = (false, false, false)
        clock.jump(behind: nil, now: now)
    }
}

extension Frame {
    /// The event's timestamp as clients see it, read as UTC where it says no offset; nil where it is no time.
    var time: Timestamp? {
        // The envelope is ours: …,"timestamp":"…"}. A text with a quote in it is no time.
        let end = bytes.count - 2
        let earliest = max(Int(payloadStart), end - Self.timeBytesMax)
        guard end > earliest, let quote = bytes[earliest..<end].lastIndex(of: UInt8(ascii: "\"")) else { return nil }
        return Timestamp.parse(bytes.span.extracting(quote + 1..<end))
    }

    /// A date, a time, nine digits of a fraction and an offset are 35, and the quote before them.
    private static let timeBytesMax = 36
}

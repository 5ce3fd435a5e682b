/// When a recorded session's events are due for one viewer. Times are microseconds of a clock that only goes forward; nothing here reads one.
///
/// An event is due as long after the one before it as it was recorded, divided by the speed. Where that is not known (its time is none, or is before
/// the other's) it is due at once. A market that was closed over the weekend is not waited for: ``gapMax``.
///
/// Flow: Frame.time → **ReplayClock** → ClientConnection
package struct ReplayClock: Sendable {
    /// The longest wait for an event, whatever the speed.
    package static let gapMax: UInt64 = 5_000_000
    /// So far behind its times a viewer may catch up, as after a late timer. What is more (its socket was full, its session had no event yet) is forgiven:
    /// it goes on from then at its speed and gets no burst.
    package static let lateMax: UInt64 = 250_000

    package private(set) var speed: ReplaySpeed
    package private(set) var isPaused = false
    /// The recorded time of the newest event played that has one; nil before the first.
    private var last: Timestamp?
    /// Since when time runs towards the next event.
    private var since: UInt64
    /// What ran before, at other speeds or before a pause: of the recording, and of the viewer's time.
    private var recordedBefore: UInt64 = 0
    private var waitedBefore: UInt64 = 0

    package init(speed: ReplaySpeed, now: UInt64) {
        self.speed = speed
        since = now
    }

    /// When the next event is due that was recorded at `time`; nil while paused.
    package func due(_ time: Timestamp?) -> UInt64? {
        guard !isPaused else { return nil }
        guard let time, let last, time > last else { return since }
        let (gap, overflows) = time.microsecondsSince1970.subtractingReportingOverflow(last.microsecondsSince1970)
        let recorded = overflows ? UInt64(Int64.max) : UInt64(gap)
        let wait = speed.duration(of: recorded - min(recorded, recordedBefore))
        return since + min(wait, Self.gapMax - min(waitedBefore, Self.gapMax))
    }

    /// The event was played: what follows is counted from when it was due.
    package mutating func play(_ time: Timestamp?, now: UInt64) {
        let due = due(time) ?? now
        since = speed == .max ? now : min(now, max(due, now - min(now, Self.lateMax)))
        (recordedBefore, waitedBefore) = (0, 0)
        last = time ?? last
    }

    /// Goes on elsewhere in the recording, behind an event of this time; nil: with the next event, at once.
    package mutating func jump(behind time: Timestamp?, now: UInt64) {
        (last, since, recordedBefore, waitedBefore) = (time, now, 0, 0)
    }

    package mutating func pause(now: UInt64) {
        guard !isPaused else { return }
        settle(now)
        isPaused = true
    }

    package mutating func resume(now: UInt64) {
        guard isPaused else { return }
        isPaused = false
        since = now
    }

    package mutating func change(_ speed: ReplaySpeed, now: UInt64) {
        if !isPaused { settle(now) }
        self.speed = speed
    }

    /// What has run is noted, and time runs on from here.
    private mutating func settle(_ now: UInt64) {
        let waited = now - min(now, since)
        let recorded = speed.recorded(in: waited)
        recordedBefore += min(recorded, .max - recordedBefore)
        waitedBefore += waited
        since = now
    }
}

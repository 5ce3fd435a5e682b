import Sessions
import Testing

@Suite struct TimestampClockTests {
    @Test func `time never stands still nor steps back within a session`() {
        var clock = TimestampClock()
        let answers = [100, 100, 50, 101, 103, 200, .min].map {
            clock.next(now: Timestamp(microsecondsSince1970: $0)).microsecondsSince1970
        }
        #expect(answers == [100, 101, 102, 103, 104, 200, 201])
    }

    @Test func `the end of time does not trap`() {
        var clock = TimestampClock()
        let end = Timestamp(microsecondsSince1970: .max)
        #expect(clock.next(now: end) == end)
        #expect(clock.next(now: end) == end)
    }
}

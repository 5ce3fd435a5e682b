import Testing

@testable import Sessions

@Suite("The clock of a replay")
struct ReplayClockTests {
    private static let second: UInt64 = 1_000_000
    private let second = Self.second
    /// When the viewer begins.
    private let start: UInt64 = 1_000_000_000

    private func at(_ seconds: Double) -> Timestamp { Timestamp(microsecondsSince1970: 1_700_000_000_000_000 + Int64(seconds * 1e6)) }

    private func clock(_ speed: String) throws -> ReplayClock { ReplayClock(speed: try #require(ReplaySpeed.parse(speed)), now: start) }

    /// Plays events of these times, each when it is due, and says when that was, in milliseconds since the start.
    private func play(_ times: [Timestamp?], _ speed: String) throws -> [UInt64] {
        var clock = try clock(speed)
        var now = start
        return try times.map { time in
            now = max(now, try #require(clock.due(time)))
            clock.play(time, now: now)
            return (now - start) / 1000
        }
    }

    @Test(
        arguments: [
            ("1x", [0, 1000, 1500, 1500, 4500]), ("0.5x", [0, 2000, 3000, 3000, 8000]), ("10x", [0, 100, 150, 150, 450]),
            ("100x", [0, 10, 15, 15, 45]), ("max", [0, 0, 0, 0, 0]),
        ] as [(String, [UInt64])])
    func `events come as they were recorded, divided by the speed`(speed: String, due: [UInt64]) throws {
        #expect(try play([at(0), at(1), at(1.5), at(1.5), at(4.5)], speed) == due)
    }

    @Test func `the first event comes at once`() throws {
        #expect(try clock("1x").due(at(5000)) == start)
        #expect(try clock("1x").due(nil) == start)
    }

    @Test(arguments: ["0.5x", "1x", "10x", "100x"]) func `no gap is longer than five seconds of the viewer's time`(speed: String) throws {
        #expect(try play([at(0), at(200_000), at(200_000.1)], speed)[1] == 5000)
        let far = [Timestamp(microsecondsSince1970: .min), Timestamp(microsecondsSince1970: .max)]
        #expect(try play(far, speed) == [0, 5000])
    }

    @Test func `what has no time or one that goes back comes at once, and what follows is counted from it`() throws {
        #expect(try play([at(10), nil, at(11), at(12)], "1x") == [0, 0, 1000, 2000])
        #expect(try play([at(10), at(3), at(4), at(12)], "1x") == [0, 0, 1000, 6000])
        #expect(try play([nil, nil, at(3), nil, at(4)], "1x") == [0, 0, 0, 0, 1000])
    }

    @Test func `behind an event that was seen before`() throws {
        var clock = try clock("2x")
        clock.jump(behind: at(7), now: start)
        #expect(clock.due(at(8)) == start + second / 2)
        clock.jump(behind: nil, now: start + 3)
        #expect(clock.due(at(8)) == start + 3)
    }

    @Test func `a pause is not waiting`() throws {
        var clock = try clock("1x")
        clock.play(at(0), now: start)
        clock.pause(now: start + second)
        clock.pause(now: start + 2 * second)
        #expect(clock.due(at(3)) == nil && clock.isPaused)
        clock.resume(now: start + 100 * second)
        clock.resume(now: start + 101 * second)
        #expect(clock.due(at(3)) == start + 102 * second && !clock.isPaused)
    }

    @Test func `a new speed is for what is left of a gap`() throws {
        var clock = try clock("1x")
        clock.play(at(0), now: start)
        clock.change(.times(thousandths: 2000), now: start + second)
        #expect(clock.due(at(4)) == start + second + 3 * second / 2)
        clock.change(.times(thousandths: 500), now: start + 2 * second)
        #expect(clock.due(at(4)) == start + 4 * second)
        clock.change(.max, now: start + 3 * second)
        #expect(clock.due(at(4)) == start + 3 * second)
        clock.change(.times(thousandths: 1000), now: start + 3 * second)
        // 1 s at 1x, 1 s at 2x, 1 s at 0.5x were played.
        #expect(clock.due(at(4)) == start + 3 * second + second / 2)
    }

    @Test func `while paused a new speed waits with everything else`() throws {
        var clock = try clock("1x")
        clock.play(at(0), now: start)
        clock.pause(now: start + second)
        clock.change(.times(thousandths: 4000), now: start + 50 * second)
        clock.resume(now: start + 60 * second)
        #expect(clock.due(at(5)) == start + 61 * second)
        #expect(clock.speed == .times(thousandths: 4000))
    }

    @Test func `changes of speed and pauses do not make a gap longer than the longest`() throws {
        var clock = try clock("1x")
        clock.play(at(0), now: start)
        clock.change(.times(thousandths: 2000), now: start + 3 * second)
        #expect(clock.due(at(1000)) == start + 5 * second)
        clock.pause(now: start + 4 * second)
        clock.resume(now: start + 10 * second)
        #expect(clock.due(at(1000)) == start + 11 * second)
        clock.change(.times(thousandths: 500), now: start + 30 * second)
        #expect(clock.due(at(1000)) == start + 30 * second)
    }

    @Test func `a late timer is made up for, a stalled socket is not`() throws {
        var clock = try clock("1x")
        clock.play(at(0), now: start)
        clock.play(at(1), now: start + second + 40_000)
        #expect(clock.due(at(2)) == start + 2 * second)
        clock.play(at(2), now: start + 60 * second)
        #expect(clock.due(at(3)) == start + 61 * second - ReplayClock.lateMax)
    }

    @Test func `early in the life of a clock nothing is before its beginning`() throws {
        var clock = ReplayClock(speed: .times(thousandths: 1000), now: 0)
        clock.play(at(0), now: 10)
        #expect(clock.due(at(1)) == second)
    }
}

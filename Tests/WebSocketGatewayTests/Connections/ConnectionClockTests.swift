import Testing

@testable import WebSocketGateway

@Suite("What is due on a connection")
struct ConnectionClockTests {
    private let limits = ConnectionClock.Limits(stale: 1000, write: 100, message: 200)

    @Test func `each deadline comes at its time and not before`() {
        var clock = ConnectionClock(now: 5000, firstHeartbeat: 5300)
        #expect(clock.next(limits) == 5300)
        #expect(clock.due(now: 5299, limits) == nil)
        #expect(clock.due(now: 5300, limits) == .heartbeat)
        clock.nextHeartbeat = 5900
        clock.lastProgress = 5600
        #expect(clock.next(limits) == 5700)
        #expect(clock.due(now: 5699, limits) == nil)
        #expect(clock.due(now: 5700, limits) == .noProgress)
        clock.lastProgress = nil
        let isNew = clock.noteMessage(isUnfinished: true, now: 5400)
        #expect(isNew)
        #expect(clock.next(limits) == 5600)
        #expect(clock.due(now: 5599, limits) == nil)
        #expect(clock.due(now: 5600, limits) == .messageUnfinished)
        #expect(clock.due(now: 6000, limits) == .stale, "the gravest first")
    }

    @Test func `with other limits what is under way has its whole time from then on, and the heartbeat comes sooner, not later`() {
        var clock = ConnectionClock(now: 0, firstHeartbeat: 60_000)
        clock.lastProgress = 900
        _ = clock.noteMessage(isUnfinished: true, now: 900)
        let shorter = ConnectionClock.Limits(stale: 500, write: 50, message: 60)
        #expect(clock.due(now: 960, shorter) == .stale)
        clock.limitsChanged(now: 960, heartbeatBy: 970)
        #expect(clock.due(now: 960, shorter) == nil)
        #expect(clock.due(now: 970, shorter) == .heartbeat)
        clock.nextHeartbeat = nil
        #expect(clock.due(now: 1009, shorter) == nil)
        #expect(clock.due(now: 1010, shorter) == .noProgress)
        clock.lastProgress = nil
        #expect(clock.due(now: 1020, shorter) == .messageUnfinished)
        _ = clock.noteMessage(isUnfinished: false, now: 1020)
        clock.nextHeartbeat = 1100
        clock.limitsChanged(now: 1030, heartbeatBy: 5000)
        #expect(clock.nextHeartbeat == 1100)
        #expect(clock.due(now: 1099, shorter) == nil, "nothing that was not under way begins with it")
    }

    @Test func `a pong that was put off has its time, and is no graver than silence`() {
        var clock = ConnectionClock(now: 5000, firstHeartbeat: 5300)
        clock.pongDue = 5200
        #expect(clock.next(limits) == 5200)
        #expect(clock.due(now: 5199, limits) == nil)
        #expect(clock.due(now: 5300, limits) == .pong)
        clock.pongDue = nil
        #expect(clock.due(now: 5300, limits) == .heartbeat)
        clock.pongDue = 5400
        #expect(clock.due(now: 6000, limits) == .stale)
    }

    @Test func `only a message's beginning is new`() {
        var clock = ConnectionClock(now: 0, firstHeartbeat: nil)
        let noted = [clock.noteMessage(isUnfinished: true, now: 1), clock.noteMessage(isUnfinished: true, now: 2)]
        #expect(noted == [true, false])
        #expect(clock.messageStarted == 1)
        let finished = clock.noteMessage(isUnfinished: false, now: 3)
        #expect(!finished)
        #expect(clock.messageStarted == nil)
        let again = clock.noteMessage(isUnfinished: true, now: 4)
        #expect(again)
    }

    @Test func `who is heard is not stale`() {
        var clock = ConnectionClock(now: 0, firstHeartbeat: nil)
        clock.heard(now: 900)
        #expect(clock.silence(now: 1000) == 100)
        #expect(clock.silence(now: 10) == 0)
        #expect(clock.due(now: 1899, limits) == nil)
        #expect(clock.due(now: 1900, limits) == .stale)
    }

    @Test func `who must leave at a time leaves then`() {
        var clock = ConnectionClock(now: 0, firstHeartbeat: nil)
        clock.departure = 500
        #expect(clock.next(limits) == 500)
        #expect(clock.due(now: 499, limits) == nil)
        #expect(clock.due(now: 500, limits) == .departure)
    }

    @Test func `without time-outs nothing is ever due`() {
        let clock = ConnectionClock(now: 0, firstHeartbeat: nil)
        let never = ConnectionClock.Limits(stale: nil, write: 1, message: 1)
        #expect(clock.next(never) == nil)
        #expect(clock.due(now: .max, never) == nil)
    }
}

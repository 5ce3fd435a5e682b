import EventLoop
import Testing

@Suite("Timers")
struct LoopTimerTests {
    @Test func `a timer fires once, not before its time`() throws {
        let loop = try EventLoop()
        let begin = loop.nowMilliseconds
        var fired: [UInt64] = []
        let timer = LoopTimer(loop) { fired.append(loop.nowMilliseconds) }
        timer.start(delay: 30)
        let done = loop.turn { !fired.isEmpty && loop.nowMilliseconds >= begin + 80 }
        #expect(done)
        #expect(fired.count == 1)
        #expect(fired[0] >= begin + 30)
        timer.close()
        let ended = loop.turnToEnd()
        #expect(ended)
    }

    @Test func `a repeating timer fires until it is stopped`() throws {
        let loop = try EventLoop()
        var fired = 0
        let timer = LoopTimer(loop) { fired += 1 }
        timer.start(delay: 1, every: 1)
        let done = loop.turn { fired >= 5 }
        #expect(done)
        timer.stop()
        let stoppedAt = fired
        let until = loop.nowMilliseconds + 20
        _ = loop.turn { loop.nowMilliseconds >= until }
        #expect(fired == stoppedAt)
        timer.start(delay: 1)
        let again = loop.turn { fired == stoppedAt + 1 }
        #expect(again, "a stopped timer starts again")
        timer.close()
        let ended = loop.turnToEnd()
        #expect(ended)
    }

    @Test func `starting again moves the time`() throws {
        let loop = try EventLoop()
        let begin = loop.nowMilliseconds
        var fired: [UInt64] = []
        let timer = LoopTimer(loop) { fired.append(loop.nowMilliseconds) }
        timer.start(delay: 5)
        timer.start(delay: 40)
        let done = loop.turn { !fired.isEmpty }
        #expect(done)
        #expect(fired.count == 1)
        #expect(fired[0] >= begin + 40)
        timer.close()
        let ended = loop.turnToEnd()
        #expect(ended)
    }

    @Test func `a timer may close itself while it fires, and closing again does nothing`() throws {
        let loop = try EventLoop()
        var fired = 0
        var timer: LoopTimer?
        timer = LoopTimer(loop) {
            fired += 1
            timer?.close()
            timer?.close()
            timer?.stop()
        }
        timer?.start(delay: 0, every: 1)
        let ended = loop.turnToEnd()
        #expect(ended)
        #expect(fired == 1)
        timer = nil
    }

    @Test func `a closed timer is let go of`() throws {
        let loop = try EventLoop()
        weak var seen: LoopTimer?
        do {
            let timer = LoopTimer(loop) {}
            seen = timer
            timer.start(delay: 10_000)
        }
        #expect(seen != nil, "the loop holds a running timer")
        seen?.close()
        let ended = loop.turnToEnd()
        #expect(ended)
        #expect(seen == nil)
    }
}

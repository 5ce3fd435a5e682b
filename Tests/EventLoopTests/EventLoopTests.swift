import EventLoop
import Testing

@Suite("Turns of the loop")
struct EventLoopTests {
    @Test func `the end of a turn comes after timers and before waiting`() throws {
        let loop = try EventLoop()
        var order: [String] = []
        let timer = LoopTimer(loop) { order.append("timer") }
        loop.atEndOfTurn = { if order.last != "end" { order.append("end") } }
        timer.start(delay: 0)
        let done = loop.turn { order.contains("timer") }
        #expect(done)
        loop.runOnce()
        let at = try #require(order.firstIndex(of: "timer"))
        #expect(order.indices.contains(at + 1) && order[at + 1] == "end")
        timer.close()
        let ended = loop.turnToEnd()
        #expect(ended)
    }

    @Test func `what a timer made is flushed before the loop waits for input`() throws {
        // Only a timer far away and the mailbox are left to wait for: were the hook called after waiting alone, the mail would not be posted.
        let loop = try EventLoop()
        let mailbox = Mailbox<Int>()
        var made = 0
        var received = 0
        let far = LoopTimer(loop) { Issue.record("the loop waited for the far timer") }
        let near = LoopTimer(loop) { made += 1 }
        try mailbox.open(on: loop) { batch in
            received += batch.count
            far.close()
            near.close()
            _ = mailbox.close()
        }
        loop.atEndOfTurn = {
            guard made == 1 else { return }
            made = 2
            mailbox.post(1)
        }
        far.start(delay: 30_000)
        near.start(delay: 1)
        loop.run()
        #expect(received == 1)
        loop.atEndOfTurn = nil
    }

    @Test func `the end of a turn comes after input, in the same turn`() throws {
        let loop = try EventLoop()
        let mailbox = Mailbox<Int>()
        var order: [String] = []
        try mailbox.open(on: loop) { _ in order.append("mail") }
        loop.atEndOfTurn = { order.append("end") }
        mailbox.post(1)
        let done = loop.turn { order.contains("mail") }
        #expect(done)
        #expect(order.last == "end", "\(order)")
        _ = mailbox.close()
        let ended = loop.turnToEnd()
        #expect(ended)
    }

    @Test func `turns are counted and told once each, with their busy time`() throws {
        let loop = try EventLoop()
        let keepsRunning = LoopTimer(loop) {}
        keepsRunning.start(delay: 60_000)
        var told = 0
        loop.onTurn = { told += 1 }
        let before = loop.turnsCompleted
        for _ in 0..<10 { loop.runOnce() }
        #expect(loop.turnsCompleted == before + 10)
        #expect(told == 10)
        let begin = Clocks.monotonicNanoseconds
        loop.runOnce()
        #expect(loop.busyNanoseconds <= Clocks.monotonicNanoseconds - begin + 1_000_000_000)
        keepsRunning.close()
        let ended = loop.turnToEnd()
        #expect(ended)
    }

    @Test func `waiting is not busy time`() throws {
        let loop = try EventLoop()
        var busy: [UInt64] = []
        var turns = 0
        let timer = LoopTimer(loop) { turns += 1 }
        timer.start(delay: 150)
        loop.onTurn = {
            busy.append(loop.busyNanoseconds)
            if turns > 0 { timer.close() }
        }
        let begin = Clocks.monotonicNanoseconds
        loop.run()
        let elapsed = Clocks.monotonicNanoseconds - begin
        #expect(elapsed >= 140_000_000)
        #expect(busy.reduce(0, +) < elapsed - 100_000_000, "busy \(busy) of \(elapsed) ns")
        loop.onTurn = nil
        let ended = loop.turnToEnd()
        #expect(ended)
    }

    @Test func `a loop without handles ends at once`() throws {
        let loop = try EventLoop()
        #expect(loop.activeHandles == 0)
        loop.run()
        let more = loop.runOnce()
        #expect(!more)
    }

    @Test func `the clocks go on`() {
        let (monotonic, wall) = (Clocks.monotonicNanoseconds, Clocks.wallMicroseconds)
        #expect(Clocks.monotonicNanoseconds >= monotonic)
        // After 2026-01-01 and before 2100-01-01.
        #expect((1_767_225_600_000_000...4_102_444_800_000_000).contains(wall))
    }
}

import EventLoop
import Glibc
import Testing

@Suite("Signals")
struct SignalSourceTests {
    @Test func `a signal to this process becomes a call on the loop`() throws {
        let loop = try EventLoop()
        var received = 0
        let source = try SignalSource(loop, signal: SIGUSR1) { received += 1 }
        kill(getpid(), SIGUSR1)
        let first = loop.turn { received == 1 }
        #expect(first)
        kill(getpid(), SIGUSR1)
        let second = loop.turn { received == 2 }
        #expect(second)
        source.close()
        source.close()
        let ended = loop.turnToEnd()
        #expect(ended)
    }

    @Test func `every loop that watches a signal is told`() throws {
        let (one, other) = (try EventLoop(), try EventLoop())
        var received = (0, 0)
        let sources = [
            try SignalSource(one, signal: SIGUSR2) { received.0 += 1 },
            try SignalSource(other, signal: SIGUSR2) { received.1 += 1 },
        ]
        kill(getpid(), SIGUSR2)
        let told = one.turn {
            other.runOnce()
            return received == (1, 1)
        }
        #expect(told)
        for source in sources { source.close() }
        let ended = (one.turnToEnd(), other.turnToEnd())
        #expect(ended == (true, true))
    }

    @Test(arguments: [0, SIGKILL, SIGSTOP, 1000])
    func `what is no signal to watch is refused, and nothing stays open`(signal: Int32) throws {
        let loop = try EventLoop()
        #expect(throws: SystemError.self) { try SignalSource(loop, signal: signal) {} }
        let ended = loop.turnToEnd()
        #expect(ended)
    }
}

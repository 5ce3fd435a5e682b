import EventLoop
import Sessions
import Testing

@testable import WebSocketGateway

@Suite("A worker")
struct WorkerCoreTests {
    @Test func `the turn's time is one time until the turn waits, and a later one behind it`() async throws {
        let board = try WebSocketManager(TestGateway.settings(workers: 1)).switchboard
        let times = try await offPool {
            Result {
                let core = try WorkerCore(board, index: 0)
                defer {
                    core.stop()
                    core.run()
                }
                // As a timer reads it, before the loop waits for sockets: the same turn goes on behind the wait.
                let first = core.turnTime
                while core.wallTime == first {}
                let second = core.turnTime
                core.loop.atEndOfTurn?()
                return (first, second, core.turnTime)
            }
        }.get()
        #expect(times.0 == times.1)
        #expect(times.2.microsecondsSince1970 > times.1.microsecondsSince1970)
    }
}

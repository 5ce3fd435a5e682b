import EventLoop
import Testing

@testable import websocket_gateway

@Suite struct ProcessUsageTests {
    @Test(arguments: [
        ("45678280 49558883 133\n", 45_678_280), ("0 0 0\n", 0), ("18446744073709551615 1 2\n", UInt64.max), ("7 8 9", 7),
    ])
    func `a thread's time is the first number of its schedstat`(_ text: String, nanoseconds: UInt64) {
        #expect(ProcessUsage.nanoseconds(schedstat: Array(text.utf8)) == nanoseconds)
    }

    @Test(arguments: ["", "\n", "1", "1 2", "-1 2 3", "x 2 3", "1.5 2 3", "18446744073709551616 1 2"])
    func `what is no schedstat has no time`(_ text: String) {
        #expect(ProcessUsage.nanoseconds(schedstat: Array(text.utf8)) == nil)
    }

    private static let rest = "S 1 2 3 0 -1 4194304 98 5 6 7 311 422 8 9 20 0 4 0 1360696 3133440 382"

    @Test(arguments: ["nats-server", "a) R 1 1 1", "(((", ") ", "two words", "", "line\nbreak"])
    func `user and system time are found whatever the process calls itself`(_ name: String) {
        let text = "8634 (\(name)) \(Self.rest)\n"
        #expect(ProcessUsage.ticks(stat: Array(text.utf8)) == ProcessUsage.Ticks(user: 311, system: 422))
    }

    @Test(arguments: ["", "8634 (x", "8634 (x)", "8634 (x) S 1 2 3", "8634 (x) S 1 2 3 0 -1 4194304 98 5 6 7 a 422 8", "8634 x \(rest)"])
    func `what is no stat has no times`(_ text: String) {
        #expect(ProcessUsage.ticks(stat: Array(text.utf8)) == nil)
    }

    #if os(Linux)
    @Test func `this process has a first thread, and its time grows as it works`() throws {
        let id = ProcessResources.processID
        let before = try ProcessUsage.read(id)
        #expect(before.threads["\(id)"] != nil)
        // Looking is work: 20 ms of it are there after some hundred looks, whatever the other threads do.
        var spent = ServerUsage.Spent()
        var looks = 0
        while spent.seconds < 0.02, looks < 100_000 {
            spent = try ServerUsage.read([id]).spent(since: ServerUsage(processes: [id: before]))
            looks += 1
        }
        #expect(spent.seconds >= 0.02)
    }

    @Test func `a process that is not there is named`() {
        // Beyond the largest id that Linux gives (2²² - 1).
        let fault = #expect(throws: ProcessUsage.Fault.self) { try ProcessUsage.read(1 << 30) }
        #expect(fault == .noSuchProcess(1 << 30))
        #expect(fault?.reason == "there is no process 1073741824")
        #expect(throws: ProcessUsage.Fault.noSuchProcess(-1)) { try ProcessUsage.read(-1) }
    }
    #else
    @Test func `elsewhere than on Linux it is said that nothing can be measured`() {
        #expect(throws: ProcessUsage.Fault.notLinux) { try ProcessUsage.read(ProcessResources.processID) }
    }
    #endif
}

import EventLoop
import Testing

@testable import websocket_gateway

@Suite struct ServerUsageTests {
    private func process(_ threads: [String: UInt64], user: UInt64 = 0, system: UInt64 = 0) -> ProcessUsage {
        ProcessUsage(threads: threads, ticks: .init(user: user, system: system))
    }

    private func spent(_ before: [Int32: ProcessUsage], _ after: [Int32: ProcessUsage]) -> ServerUsage.Spent {
        ServerUsage(processes: after).spent(since: ServerUsage(processes: before))
    }

    @Test func `all threads of all processes are added up, user and system time apart`() {
        let spent = spent(
            [7: process(["7": 1_000_000_000, "8": 500], user: 10, system: 20), 9: process(["9": 0], user: 1, system: 1)],
            [7: process(["7": 1_500_000_000, "8": 1000], user: 35, system: 120), 9: process(["9": 250_000_000], user: 1, system: 26)])
        #expect(spent == ServerUsage.Spent(seconds: 0.7500005, userSeconds: 0.25, systemSeconds: 1.25))
    }

    @Test func `a thread that began in between counts from its beginning`() {
        #expect(spent([7: process(["7": 100])], [7: process(["7": 100, "8": 2_000_000_000])]).seconds == 2)
    }

    @Test func `a thread that ended in between takes nothing from the others`() {
        let before = process(["7": 0, "8": 9_000_000_000], user: 900)
        #expect(spent([7: before], [7: process(["7": 1_000_000_000], user: 901)]) == .init(seconds: 1, userSeconds: 0.01))
    }

    @Test func `nothing is ever negative`() {
        let before = process(["7": 1000, "8": 1000], user: 5, system: 6)
        #expect(spent([7: before], [7: process(["7": 999, "8": 0], user: 4, system: 5)]) == .init())
        #expect(spent([7: before], [7: process([:])]) == .init())
    }

    #if os(Linux)
    @Test func `one process that is not there spoils the look, and is named`() throws {
        let own = ProcessResources.processID
        #expect(Set(try ServerUsage.read([own, own]).processes.keys) == [own])
        #expect(throws: ProcessUsage.Fault.noSuchProcess(1 << 30)) { try ServerUsage.read([own, 1 << 30]) }
    }
    #endif

    @Test func `no process, nothing to look at`() throws {
        #expect(try ServerUsage.read([]).processes.isEmpty)
    }
}

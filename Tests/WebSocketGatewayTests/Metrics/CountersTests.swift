import EventLoop
import Testing

@testable import WebSocketGateway

@Suite("A worker's counters")
struct CountersTests {
    @Test func `all cells begin at zero, and each is its own`() {
        let counters = Counters()
        for metric in Metric.allCases { for label in 0..<metric.cells { #expect(counters.value(metric, label: label) == 0) } }
        var amount: UInt64 = 0
        for metric in Metric.allCases {
            for label in 0..<metric.cells {
                amount += 1
                counters.add(metric, label: label, amount)
            }
        }
        amount = 0
        for metric in Metric.allCases {
            for label in 0..<metric.cells {
                amount += 1
                #expect(counters.value(metric, label: label) == amount)
            }
        }
    }

    @Test func `a gauge goes down below zero, as a part of a sum`() {
        let counters = Counters()
        counters.add(.connections, label: 1, 2)
        counters.subtract(.connections, label: 1, 3)
        #expect(Int64(bitPattern: counters.value(.connections, label: 1)) == -1)
        #expect(counters.value(.connections, label: 0) == 0)
    }

    @Test(
        arguments: [(0, 0), (10_000, 0), (10_001, 1), (25_000, 1), (10_000_000_000, 18), (10_000_000_001, 19), (.max, 19)]
            as [(UInt64, Int)])
    func `an observation falls into the first bucket that holds it`(nanoseconds: UInt64, bucket: Int) {
        let counters = Counters()
        counters.observe(.loopTurn, nanoseconds: nanoseconds)
        for label in 0...19 { #expect(counters.value(.loopTurn, label: label) == (label == bucket ? 1 : 0)) }
        #expect(counters.value(.loopTurn, label: 20) == nanoseconds)
    }

    @Test func `several observations count as several, none as none`() {
        let counters = Counters()
        counters.observe(.publishToSocket, nanoseconds: 20_000, times: 3)
        counters.observe(.publishToSocket, nanoseconds: 20_000, times: 0)
        #expect(counters.value(.publishToSocket, label: 1) == 3)
        #expect(counters.value(.publishToSocket, label: 20) == 60_000)
    }

    @Test func `others read while the owner writes`() throws {
        let counters = Counters()
        let writer = try LoopThread { for _ in 0..<100_000 { counters.add(.sentBytes) } }
        var last: UInt64 = 0
        while last < 100_000 {
            let value = counters.value(.sentBytes)
            guard value >= last else {
                Issue.record("a counter went back from \(last) to \(value)")
                break
            }
            last = value
        }
        writer.join()
        #expect(counters.value(.sentBytes) == 100_000)
    }

    @Test func `a label outside its family is ours to avoid`() async {
        await #expect(processExitsWith: .failure) { Counters().add(.sessions, label: 1) }
    }
}

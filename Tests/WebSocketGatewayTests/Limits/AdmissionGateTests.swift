import EventLoop
import Synchronization
import Testing

@testable import WebSocketGateway

@Suite("The admission gate")
struct AdmissionGateTests {
    private func address(_ host: String) throws -> SocketAddress { try #require(SocketAddress(host: host, port: 1)) }

    @Test func `clients are let in up to the limit, and again when one leaves`() {
        let gate = AdmissionGate()
        let entered = (0..<5).map { _ in gate.enterClient(max: 3) }
        #expect(entered == [true, true, true, false, false])
        #expect(gate.clientCount == 3)
        gate.leave(.client(counted: nil))
        #expect(gate.clientCount == 2)
        let again = (gate.enterClient(max: 3), gate.enterClient(max: 3))
        #expect(again == (true, false))
    }

    @Test func `control connections have their own limit`() {
        let gate = AdmissionGate()
        let (first, second) = (gate.enterControl(max: 1), gate.enterControl(max: 1))
        #expect((first, second) == (true, false))
        #expect(gate.clientCount == 0)
        gate.leave(.control)
        let third = gate.enterControl(max: 1)
        #expect(third)
    }

    @Test func `an address that failed as often as it may waits, and no other does`() throws {
        let (gate, limit) = (AdmissionGate(), RateLimit(perMinute: 10))
        let (one, other) = (try address("192.0.2.1"), try address("192.0.2.2"))
        for _ in 0..<9 { gate.fail(one, now: 1000, limit) }
        #expect(gate.failureWait(one.with(port: 5), now: 1000, limit) == 0)
        gate.fail(one, now: 1000, limit)
        #expect(gate.failureWait(one, now: 1000, limit) == 6000)
        #expect(gate.failureWait(one, now: 6999, limit) == 1)
        #expect(gate.failureWait(one, now: 7000, limit) == 0)
        #expect(gate.failureWait(other, now: 1000, limit) == 0)
        let arrival = gate.arrive(one, now: 1000, RateLimit(perSecond: 1, burst: 1))
        #expect(arrival == 0, "failures are no connections")
    }

    @Test func `an address has its allowance, whatever its ports`() throws {
        let gate = AdmissionGate()
        let one = try address("192.0.2.1")
        let entered = [gate.enterAddress(one, max: 2), gate.enterAddress(one.with(port: 99), max: 2), gate.enterAddress(one, max: 2)]
        #expect(entered == [true, true, false])
        let other = gate.enterAddress(try address("192.0.2.2"), max: 2)
        #expect(other)
        gate.leave(.client(counted: one.with(port: 7)))
        let again = gate.enterAddress(one, max: 2)
        #expect(again)
    }

    @Test(arguments: [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", true), ("2001:db8:1:2::1", "2001:db8:1:3::1", false),
        ("192.0.2.1", "192.0.2.2", false), ("192.0.2.1", "::ffff:192.0.2.1", true), ("::2", "::3", true), ("::2", "192.0.2.1", false),
    ])
    func `an IPv6 network of 64 bits counts as one address`(one: String, other: String, isSame: Bool) throws {
        let gate = AdmissionGate()
        let first = gate.enterAddress(try address(one), max: 1)
        let second = gate.enterAddress(try address(other), max: 1)
        #expect(first)
        #expect(second == !isSame)
    }

    @Test func `several threads never exceed a limit, and all gives back`() throws {
        let gate = AdmissionGate()
        let (clients, peers) = (Peak(), Peak())
        let peer = try address("192.0.2.7")
        let threads = try (0..<4).map { _ in
            try LoopThread {
                for _ in 0..<20_000 {
                    guard gate.enterClient(max: 3) else { continue }
                    clients.enter()
                    if gate.enterAddress(peer, max: 2) {
                        peers.enter()
                        peers.leave()
                        clients.leave()
                        gate.leave(.client(counted: peer))
                    } else {
                        clients.leave()
                        gate.leave(.client(counted: nil))
                    }
                }
            }
        }
        for thread in threads { thread.join() }
        #expect((1...3).contains(clients.most))
        #expect((1...2).contains(peers.most))
        #expect(gate.clientCount == 0)
        let all = (0..<3).map { _ in gate.enterAddress(peer, max: 2) }
        #expect(all == [true, true, false], "the address's allowance is whole again")
    }

    /// How many were inside at once, at most.
    private final class Peak: Sendable {
        private let inside = Atomic<Int>(0)
        private let peak = Atomic<Int>(0)
        var most: Int { peak.load(ordering: .sequentiallyConsistent) }

        func enter() { peak.max(inside.add(1, ordering: .sequentiallyConsistent).newValue, ordering: .sequentiallyConsistent) }
        func leave() { inside.subtract(1, ordering: .sequentiallyConsistent) }
    }
}

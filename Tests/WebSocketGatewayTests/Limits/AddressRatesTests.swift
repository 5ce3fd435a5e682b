import EventLoop
import Testing

@testable import WebSocketGateway

@Suite("New connections of each address")
struct AddressRatesTests {
    private let limit = RateLimit(perSecond: 20, burst: 200)

    private func address(_ number: Int) -> SocketAddress { SocketAddress(high: 0, low: 0xFFFF_0000_0000 + UInt64(number), port: 0) }

    @Test func `a burst is let in, then the rate, and the wait says when`() {
        var rates = AddressRates()
        let first = (0..<300).map { _ in rates.arrive(address(1), now: 1000, limit) }
        #expect(first.prefix(200).allSatisfy { $0 == 0 })
        #expect(first.dropFirst(200).allSatisfy { $0 == 50 })
        #expect(rates.arrive(address(2), now: 1000, limit) == 0, "another address has its own")
        #expect(rates.arrive(address(1), now: 1050, limit) == 0)
        #expect(rates.arrive(address(1), now: 1050, limit) == 50)
    }

    @Test func `a rate that is raised counts at once for who had used up the lower one`() {
        var rates = AddressRates()
        let slow = RateLimit(perSecond: 1, burst: 200)
        for _ in 0..<300 { _ = rates.arrive(address(1), now: 1000, slow) }
        #expect(rates.wait(address(1), now: 1000, slow) == 1000)
        #expect(rates.wait(address(1), now: 1000, limit) == 50)
        #expect(rates.arrive(address(1), now: 1000, limit) == 50)
        #expect(rates.arrive(address(1), now: 1050, limit) == 0)
    }

    @Test func `an address that is over its rate stays so while the table turns over`() {
        var rates = AddressRates()
        for _ in 0..<200 { _ = rates.arrive(address(1), now: 0, limit) }
        var (now, letIn) = (UInt64(0), 0)
        // A hundred a second for a minute: twenty of them are let in.
        for _ in 0..<6000 {
            now += 10
            if rates.arrive(address(1), now: now, limit) == 0 { letIn += 1 }
        }
        #expect((1195...1205).contains(letIn), "\(letIn)")
    }

    @Test func `the table is bounded, and empties itself`() {
        var rates = AddressRates()
        for number in 0..<AddressRates.addressesMax * 5 { _ = rates.arrive(address(number), now: 1000, limit) }
        #expect(rates.count <= 2 * AddressRates.addressesMax)
        _ = rates.arrive(address(0), now: 100_000, limit)
        _ = rates.arrive(address(0), now: 200_000, limit)
        #expect(rates.count <= 2)
    }

    @Test func `the gate counts an IPv6 network as one address`() throws {
        let gate = AdmissionGate()
        let limit = RateLimit(perSecond: 1, burst: 2)
        let addresses = try ["2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8:0:1::1"].map {
            try #require(SocketAddress(host: $0, port: 1))
        }
        #expect(addresses.map { gate.arrive($0, now: 5, limit) } == [0, 0, 1000, 0])
    }
}

import Testing

@testable import WebSocketGateway

@Suite("A client's rates of messages")
struct MessageMeterTests {
    private let limits = MessageMeter.Limits(
        messages: RateLimit(perSecond: 50, burst: 100), bytes: RateLimit(perSecond: 1000, burst: 4000), excessMax: 100)

    private func verdicts(_ meter: inout MessageMeter, _ count: Int, bytes: Int = 1, now: UInt64) -> [MessageMeter.Verdict] {
        (0..<count).map { _ in meter.receive(bytes: bytes, now: now, limits) }
    }

    @Test func `with other rates what was used is at most a whole allowance of them`() {
        let slow = RateLimit(perSecond: 1, burst: 10)
        let quick = RateLimit(perSecond: 1000, burst: 10)
        let bytes = RateLimit(perSecond: 1_000_000, burst: 1_000_000)
        var meter = MessageMeter()
        let before = MessageMeter.Limits(messages: slow, bytes: bytes, excessMax: 1000)
        let after = MessageMeter.Limits(messages: quick, bytes: bytes, excessMax: 1000)
        for _ in 0..<20 { _ = meter.receive(bytes: 1, now: 1000, before) }
        meter.limitsChanged(now: 1000, after)
        #expect(meter.receive(bytes: 1, now: 1000, after) != .allowed)
        #expect(meter.receive(bytes: 1, now: 1001, after) == .allowed)
    }

    @Test func `a burst passes, the next is told, the others of that second are dropped, and one of the next second is told again`() {
        var meter = MessageMeter()
        #expect(verdicts(&meter, 100, now: 5000).allSatisfy { $0 == .allowed })
        let over = verdicts(&meter, 10, now: 5000)
        #expect(over[0] == .excess(.messages, isFirst: true))
        #expect(over.dropFirst().allSatisfy { $0 == .excess(.messages, isFirst: false) })
        #expect(verdicts(&meter, 2, now: 5020) == [.allowed, .excess(.messages, isFirst: false)], "50 a second are one every 20 ms")
        let later = verdicts(&meter, 60, now: 6000)
        #expect(later[49] == .excess(.messages, isFirst: true), "49 had come in again")
    }

    @Test func `the hundredth over the rate within ten seconds is a flood`() {
        var meter = MessageMeter()
        _ = verdicts(&meter, 100, now: 0)
        let over = verdicts(&meter, 100, now: 0)
        #expect(over.dropLast().allSatisfy { if case .excess = $0 { true } else { false } })
        #expect(over.last == .flood(.messages))
    }

    @Test func `who goes over now and then is never a flood`() {
        var meter = MessageMeter()
        for round: UInt64 in 0..<20 {
            _ = verdicts(&meter, 100, now: 1 + round * MessageMeter.excessMilliseconds)
            let over = verdicts(&meter, 99, now: 1 + round * MessageMeter.excessMilliseconds)
            #expect(!over.contains(.flood(.messages)), "round \(round)")
        }
    }

    @Test func `excess is counted from its first, ten seconds long`() {
        var meter = MessageMeter()
        _ = verdicts(&meter, 1, bytes: 4000, now: 1000)
        _ = verdicts(&meter, 60, bytes: 4000, now: 1000)
        #expect(verdicts(&meter, 40, bytes: 4000, now: 4900).last == .flood(.messageBytes))
        meter = MessageMeter()
        _ = verdicts(&meter, 1, bytes: 4000, now: 1000)
        _ = verdicts(&meter, 60, bytes: 4000, now: 1000)
        #expect(verdicts(&meter, 41, bytes: 4000, now: 11_000).last == .excess(.messageBytes, isFirst: false))
    }

    @Test func `bytes have their own rate, and what a message inflates to counts once it is known`() {
        var meter = MessageMeter()
        #expect(meter.receive(bytes: 4000, now: 0, limits) == .allowed)
        #expect(meter.receive(bytes: 1, now: 0, limits) == .excess(.messageBytes, isFirst: true))
        #expect(meter.receive(bytes: 1000, now: 1000, limits) == .allowed)
        #expect(meter.receive(bytes: 10, now: 2000, limits) == .allowed)
        meter.inflated(by: 3990, now: 2000, limits)
        #expect(meter.receive(bytes: 1, now: 2000, limits) == .excess(.messageBytes, isFirst: true), "it made 4,000 of its 10 bytes")
        #expect(meter.receive(bytes: 100, now: 5200, limits) == .allowed)
        meter.inflated(by: -100, now: 5200, limits)
        #expect(meter.receive(bytes: 0, now: 5200, limits) == .allowed, "a message that shrinks gives nothing back and traps nothing")
    }

    @Test func `an idle connection keeps little for it`() {
        #expect(MemoryLayout<MessageMeter>.size <= 40)
    }
}

import Testing

@testable import websocket_gateway

@Suite struct ReconnectDelayTests {
    @Test func `each try waits twice as long, five times`() {
        var delay = ReconnectDelay()
        let delays = (0..<6).map { _ in delay.next(jitter: 1) }
        #expect(delays == [1000, 2000, 4000, 8000, 16_000, nil])
        delay.reset()
        #expect(delay.next(jitter: 1) == 1000)
    }

    @Test func `half of the delay is chance`() {
        var (least, most) = (ReconnectDelay(), ReconnectDelay())
        #expect(least.next(jitter: 0) == 500)
        #expect(most.next(jitter: 1) == 1000)
    }

    @Test func `the gateway's wish is a lower bound, itself bounded`() {
        var delay = ReconnectDelay()
        #expect(delay.next(atLeast: 1234, jitter: 0) == 1234)
        #expect(delay.next(atLeast: .max, jitter: 0) == 30_000)
    }

    @Test(arguments: [
        ("draining; retry-after-ms=1234", 1234 as UInt64?), ("retry-after-ms=0", 0), ("draining", nil), ("retry-after-ms=soon", nil),
        ("retry-after-ms=-1", nil), ("", nil),
    ])
    func `the wish stands in the close reason`(_ reason: String, _ milliseconds: UInt64?) {
        #expect(ReconnectDelay.retryAfterMilliseconds(in: reason) == milliseconds)
    }
}

import Testing

@testable import WebSocketGateway

@Suite("The timer wheel")
struct TimerWheelTests {
    private func ref(_ slot: Int) -> ConnectionRef { ConnectionRef(slot: UInt32(slot), generation: 0) }
    private let tick = TimerWheel.tick

    /// When a wheel that is asked every millisecond calls for `at`.
    private func called(at: UInt64, from now: UInt64) -> UInt64? {
        var wheel = TimerWheel(now: now)
        wheel.schedule(ref(0), at: at)
        for time in now...(max(at, now) + 10 * tick) where !wheel.advance(to: time).isEmpty { return time }
        return nil
    }

    @Test(arguments: 0...45 as ClosedRange<UInt64>, [0, 1, 19, 20, 1_000_007] as [UInt64])
    func `a deadline is never early and at most a tick late`(delay: UInt64, now: UInt64) throws {
        let time = try #require(called(at: now + delay, from: now))
        #expect(time >= now + delay)
        #expect(time - (now + delay) <= tick)
    }

    @Test func `a deadline in the past is due at the next tick`() throws {
        let time = try #require(called(at: 5, from: 1000))
        #expect(time <= 1000 + tick)
    }

    @Test(arguments: [40_959, 40_960, 40_961, 81_920, 100_000, 409_600, 1_000_003] as [UInt64])
    func `a far deadline waits for its round`(delay: UInt64) throws {
        let time = try #require(called(at: 7 + delay, from: 7))
        #expect((7 + delay...7 + delay + tick).contains(time))
    }

    @Test func `a wheel that stood still calls everything due once, and nothing else`() {
        var wheel = TimerWheel(now: 0)
        for i in 0..<5000 { wheel.schedule(ref(i), at: UInt64(i) * 100) }
        let due = wheel.advance(to: 250_000)
        #expect(Set(due.map(\.connection.slot)) == Set(0...2500))
        #expect(due.count == 2501)
        #expect(wheel.count == 2499)
        #expect(wheel.advance(to: 250_000).isEmpty)
        #expect(wheel.advance(to: 10).isEmpty, "time does not go back")
        #expect(wheel.advance(to: 1_000_000).count == 2499)
        #expect(wheel.count == 0)
    }

    @Test func `the same deadline scheduled twice is called twice`() {
        var wheel = TimerWheel(now: 0)
        wheel.schedule(ref(1), at: 50)
        wheel.schedule(ref(1), at: 50)
        #expect(wheel.count == 2)
        #expect(wheel.advance(to: 100).count == 2)
    }

    @Test func `the next bucket is looked for one second ahead`() {
        var wheel = TimerWheel(now: 0)
        #expect(wheel.nextDue(after: 0) == nil)
        wheel.schedule(ref(0), at: 970)
        #expect(wheel.nextDue(after: 0).map { (980...1000).contains($0) } == true)
        _ = wheel.advance(to: 1000)
        #expect(wheel.nextDue(after: 1000) == nil)
        wheel.schedule(ref(0), at: 5000)
        #expect(wheel.nextDue(after: 1000) == nil, "further off than a second")
        _ = wheel.advance(to: 4500)
        #expect(wheel.nextDue(after: 4500) == 5000)
    }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func `whoever wakes when the wheel says meets every deadline`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var now = UInt64.random(in: 0...1_000_000, using: &generator)
        var wheel = TimerWheel(now: now)
        var model: [(slot: UInt32, at: UInt64)] = []
        var nextSlot: UInt32 = 0
        for _ in 0..<2000 {
            for _ in 0..<Int.random(in: 0...3, using: &generator) {
                let reach: UInt64 = [0, 30, 500, 5000, 50_000, 200_000].randomElement(using: &generator)!
                let at = now + UInt64.random(in: 0...reach, using: &generator)
                wheel.schedule(ConnectionRef(slot: nextSlot, generation: 1), at: at)
                model.append((nextSlot, at))
                nextSlot += 1
            }
            // As the worker does: until the next bucket, at most a second; now and then far too late.
            let wake = min(wheel.nextDue(after: now) ?? now + 1000, now + 1000)
            let stall: UInt64 = Int.random(in: 0..<50, using: &generator) == 0 ? UInt64.random(in: 0...100_000, using: &generator) : 0
            let woken = max(wake, now) + stall
            let due = wheel.advance(to: woken)
            let expected = Set(model.filter { $0.at <= woken }.map(\.slot))
            let called = Set(due.map(\.connection.slot))
            // Due in the tick under way: may still come with its tick.
            let mayWait = Set(model.filter { $0.at <= woken && $0.at + tick > woken }.map(\.slot))
            guard called.count == due.count, called.isSubset(of: expected), expected.subtracting(called).isSubset(of: mayWait),
                due.allSatisfy({ entry in model.contains { $0.slot == entry.connection.slot && $0.at == entry.at } })
            else {
                Issue.record("seed \(seed): at \(woken) called \(called.sorted()), due \(expected.sorted())")
                return
            }
            model.removeAll { called.contains($0.slot) }
            now = woken
            guard wheel.count == model.count else {
                Issue.record("seed \(seed): counts \(wheel.count), \(model.count) wait")
                return
            }
        }
    }
}

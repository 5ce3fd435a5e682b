import Testing

@testable import WebSocketGateway

@Suite("When the key set is fetched")
struct KeySetScheduleTests {
    private func schedule() -> KeySetSchedule { KeySetSchedule(refreshInterval: 300_000, unknownKeyInterval: 30_000) }

    /// One that was fetched at `now`.
    private func fetched(_ now: UInt64) -> KeySetSchedule {
        var schedule = schedule()
        schedule.begin(now: now)
        schedule.end(now: now, hasKeys: true)
        return schedule
    }

    @Test func `at once, and then every interval`() {
        #expect(schedule().wait(now: 5) == 0)
        var schedule = fetched(1000)
        #expect(schedule.wait(now: 1000) == 300_000)
        #expect(schedule.wait(now: 300_999) == 1)
        #expect(schedule.wait(now: 301_000) == 0)
        schedule.begin(now: 301_000)
        #expect(schedule.wait(now: 301_000) == 300_000, "under way")
        schedule.end(now: 301_500, hasKeys: true)
        #expect(schedule.wait(now: 301_500) == 300_000)
    }

    @Test func `failures are tried again later and later, and one success is enough`() {
        var schedule = schedule()
        var now: UInt64 = 0
        for wait: UInt64 in [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000] {
            schedule.begin(now: now)
            schedule.end(now: now, hasKeys: false)
            #expect(schedule.wait(now: now) == wait)
            now += wait
        }
        for _ in 0..<1000 { schedule.end(now: now, hasKeys: false) }
        #expect(schedule.wait(now: now) == 30_000)
        schedule.end(now: now, hasKeys: true)
        #expect(schedule.wait(now: now) == 300_000)
        schedule.end(now: now, hasKeys: false)
        #expect(schedule.wait(now: now) == 1000)
    }

    @Test func `a failure is not tried again later than a good one`() {
        var schedule = KeySetSchedule(refreshInterval: 50, unknownKeyInterval: 30_000)
        schedule.begin(now: 0)
        schedule.end(now: 0, hasKeys: false)
        #expect(schedule.wait(now: 0) == 50)
    }

    @Test func `an unknown key is looked for at once, and the next ones when the interval is over`() {
        var schedule = fetched(1000)
        schedule.noteUnknownKey()
        #expect(schedule.wait(now: 1001) == 0, "the first fetch was not for an unknown key")
        schedule.begin(now: 1001)
        schedule.end(now: 1002, hasKeys: true)
        #expect(schedule.wait(now: 1002) == 300_000)
        for _ in 0..<1000 { schedule.noteUnknownKey() }
        #expect(schedule.wait(now: 1003) == 29_998)
        #expect(schedule.wait(now: 31_001) == 0)
        schedule.begin(now: 31_001)
        schedule.end(now: 31_001, hasKeys: true)
        #expect(schedule.wait(now: 31_001) == 300_000, "one fetch for all of them")
    }

    @Test func `a thousand seconds of unknown keys are so many fetches as there are intervals`() {
        var schedule = fetched(0)
        var fetches = 0
        for now in stride(from: UInt64(0), to: 1_000_000, by: 10) {
            schedule.noteUnknownKey()
            guard schedule.wait(now: now) == 0 else { continue }
            fetches += 1
            schedule.begin(now: now)
            schedule.end(now: now, hasKeys: true)
        }
        #expect(fetches == 34)
    }

    @Test func `unknown keys do not hurry a server that fails, beyond their interval`() {
        var schedule = schedule()
        var (now, fetches): (UInt64, Int) = (0, 0)
        while now < 300_000 {
            schedule.noteUnknownKey()
            now += schedule.wait(now: now)
            schedule.begin(now: now)
            schedule.end(now: now, hasKeys: false)
            fetches += 1
        }
        #expect(fetches <= 6 + 2 * 10)
    }

    @Test func `any fetch looks for the unknown key as well, and takes nobody's turn`() {
        var schedule = fetched(0)
        schedule.noteUnknownKey()
        schedule.begin(now: 0)
        schedule.end(now: 0, hasKeys: true)
        schedule.noteUnknownKey()
        schedule.refresh(refreshInterval: 300_000, unknownKeyInterval: 30_000)
        #expect(schedule.wait(now: 10_000) == 0)
        schedule.begin(now: 10_000)
        schedule.end(now: 10_000, hasKeys: true)
        #expect(schedule.wait(now: 10_000) == 300_000)
        schedule.noteUnknownKey()
        #expect(schedule.wait(now: 10_000) == 20_000)
    }

    @Test func `an operator has it fetched at other intervals`() {
        var schedule = fetched(1000)
        schedule.noteUnknownKey()
        schedule.begin(now: 1000)
        schedule.end(now: 1000, hasKeys: true)
        schedule.refresh(refreshInterval: 2000, unknownKeyInterval: 500)
        #expect(schedule.wait(now: 1000) == 0)
        schedule.begin(now: 1000)
        schedule.end(now: 1000, hasKeys: true)
        #expect(schedule.wait(now: 1000) == 2000)
        schedule.noteUnknownKey()
        #expect(schedule.wait(now: 1000) == 0)
        schedule.begin(now: 1000)
        schedule.end(now: 1000, hasKeys: true)
        schedule.noteUnknownKey()
        #expect(schedule.wait(now: 1000) == 500)
    }

    @Test func `an operator has it fetched now, after a failure too`() {
        var schedule = fetched(1000)
        schedule.refresh(refreshInterval: 300_000, unknownKeyInterval: 30_000)
        #expect(schedule.wait(now: 1000) == 0)
        schedule.begin(now: 1000)
        schedule.end(now: 1000, hasKeys: false)
        #expect(schedule.wait(now: 1000) == 1000)
        schedule.refresh(refreshInterval: 300_000, unknownKeyInterval: 30_000)
        #expect(schedule.wait(now: 1000) == 0)
    }
}

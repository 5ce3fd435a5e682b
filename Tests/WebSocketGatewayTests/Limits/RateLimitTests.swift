import Testing

@testable import WebSocketGateway

@Suite("A token bucket under a rate limit")
struct RateLimitTests {
    private let limit = RateLimit(perSecond: 10, burst: 5)

    /// How many of `tries` at the same time are taken.
    private func taken(_ bucket: inout TokenBucket, _ tries: Int, now: UInt64, _ limit: RateLimit) -> Int {
        (0..<tries).reduce(0) { count, _ in count + (bucket.take(now: now, limit) ? 1 : 0) }
    }

    @Test(arguments: [UInt64(0), 1, 123_456, 10_000_000_000_000])
    func `the burst is taken at once, and then the rate`(start: UInt64) {
        var bucket = TokenBucket()
        #expect(taken(&bucket, 100, now: start, limit) == 5)
        #expect(taken(&bucket, 100, now: start + 99, limit) == 0)
        #expect(taken(&bucket, 100, now: start + 100, limit) == 1)
        #expect(taken(&bucket, 100, now: start + 350, limit) == 2)
        #expect(taken(&bucket, 100, now: start + 400, limit) == 1)
        #expect(taken(&bucket, 100, now: start + 3_600_000, limit) == 5, "a long pause fills it to the burst and no further")
    }

    @Test func `what is refused costs nothing`() {
        var bucket = TokenBucket()
        #expect(taken(&bucket, 5, now: 0, limit) == 5)
        #expect(taken(&bucket, 1000, now: 50, limit) == 0)
        #expect(taken(&bucket, 1, now: 100, limit) == 1)
    }

    @Test func `under a higher rate an empty bucket fills at that rate, and no sooner`() {
        var bucket = TokenBucket()
        let slow = RateLimit(perSecond: 1, burst: 200)
        #expect(taken(&bucket, 300, now: 1000, slow) == 200)
        let quick = RateLimit(perSecond: 100, burst: 200)
        #expect(bucket.wait(now: 1000, quick) > 190_000, "what it is for")
        bucket.rateChanged(now: 1000, quick)
        #expect(taken(&bucket, 300, now: 1000, quick) == 0)
        #expect(taken(&bucket, 300, now: 1100, quick) == 10)
    }

    @Test func `under one rate a change of it changes nothing`() {
        var bucket = TokenBucket()
        for (used, left) in [(0, 5), (2, 3), (3, 0), (0, 0)] {
            #expect(taken(&bucket, used, now: 1000, limit) == used)
            bucket.rateChanged(now: 1000, limit)
            var copy = bucket
            #expect(taken(&copy, 100, now: 1000, limit) == left)
        }
    }

    @Test func `more than the burst is never there, and a charge takes it all the same`() {
        var bucket = TokenBucket()
        let tooMuch = bucket.take(6, now: 0, limit)
        #expect(!tooMuch)
        bucket.charge(15, now: 0, limit)
        #expect(bucket.wait(now: 0, limit) == 1100, "ten are owed, and one is wanted")
        #expect(taken(&bucket, 1, now: 1099, limit) == 0)
        #expect(taken(&bucket, 2, now: 1100, limit) == 1)
    }

    @Test func `so many a minute are as many at once, and one more after each part of it`() {
        let limit = RateLimit(perMinute: 6)
        #expect(limit.fillMilliseconds == 60_000)
        var bucket = TokenBucket()
        let first = (0..<7).map { _ in bucket.take(now: 0, limit) }
        #expect(first == Array(repeating: true, count: 6) + [false])
        #expect(bucket.wait(now: 0, limit) == 10_000)
        let (early, inTime) = (bucket.take(now: 9999, limit), bucket.take(now: 10_000, limit))
        #expect((early, inTime) == (false, true))
        var greatest = TokenBucket()
        let isTaken = greatest.take(.max, now: 1_000_000_000_000, RateLimit(perMinute: 1))
        #expect(!isTaken)
    }

    @Test func `the wait is how long it is until the next one can be taken`() {
        var generator = SeededGenerator(seed: 7)
        for _ in 0..<2000 {
            let limit = RateLimit(
                perSecond: .random(in: 1...2000, using: &generator), burst: .random(in: 1...50, using: &generator))
            var (bucket, now) = (TokenBucket(), UInt64.random(in: 0...1000, using: &generator))
            for _ in 0..<20 {
                now += .random(in: 0...40, using: &generator)
                let wait = bucket.wait(now: now, limit)
                var (early, inTime) = (bucket, bucket)
                if wait > 0 {
                    let isTaken = early.take(now: now + wait - 1, limit)
                    #expect(!isTaken, "\(limit) at \(now): a millisecond before")
                }
                let isTaken = inTime.take(now: now + wait, limit)
                #expect(isTaken, "\(limit) at \(now): after the wait")
                _ = bucket.take(now: now, limit)
            }
        }
    }

    /// A counter that is refilled exactly, in fractions, beside the bucket that only keeps a time.
    @Test func `it lets pass what a counter refilled at the rate would`() {
        for seed: UInt64 in 0..<200 {
            var generator = SeededGenerator(seed: seed)
            let limit = RateLimit(
                perSecond: 1000 / [1, 2, 4, 5, 8, 10, 20, 25, 50][Int(seed % 9)], burst: .random(in: 1...20, using: &generator))
            var (bucket, now, left) = (TokenBucket(), UInt64(0), limit.burst * 1000)
            for step in 0..<200 {
                let pause = UInt64.random(in: 0...60, using: &generator)
                now += pause
                left = min(limit.burst * 1000, left + pause * limit.count)
                let expected = left >= 1000
                if expected { left -= 1000 }
                let actual = bucket.take(now: now, limit)
                #expect(actual == expected, "seed \(seed), step \(step)")
            }
        }
    }

    @Test(arguments: [(1, 1), (1, 1_000_000_000), (1_000_000_000, 1), (1_000_000_000, 1_000_000_000)] as [(UInt64, UInt64)])
    func `the ends of the ranges overflow nowhere`(perSecond: UInt64, burst: UInt64) {
        let limit = RateLimit(perSecond: perSecond, burst: burst)
        var bucket = TokenBucket()
        // Three hundred years of milliseconds.
        let now: UInt64 = 9_000_000_000_000
        for _ in 0..<10 {
            bucket.charge(.max, now: now, limit)
            if burst == 1_000_000_000 { break }
        }
        #expect(bucket.wait(now: now, limit) > 0)
        _ = bucket.take(Int.max, now: now, limit)
    }
}

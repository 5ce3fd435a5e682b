import Testing

@testable import websocket_gateway

@Suite struct LatencyHistogramTests {
    @Test func `an empty histogram is 0 everywhere`() {
        let histogram = LatencyHistogram()
        #expect(histogram.value(at: 0.5) == 0)
        #expect(histogram.max == 0)
    }

    @Test(arguments: [0, 1, 127, 128, 129, 255, 256, 257, 1000, 999_999, 1_000_000, 123_456_789, 1 << 41, 1 << 42 - 1] as [UInt64])
    func `one value is known to 1 in 128, never too small`(_ value: UInt64) {
        var histogram = LatencyHistogram()
        histogram.record(value)
        histogram.record(.max)
        let read = histogram.value(at: 0.5)
        #expect(read >= value)
        #expect(read - value <= value / 128)
    }

    @Test func `percentiles of 1 to 100,000 are right within 1 percent`() {
        var histogram = LatencyHistogram()
        for value in (1...100_000 as ClosedRange<UInt64>).shuffled() { histogram.record(value * 1000) }
        for fraction in [0.01, 0.5, 0.9, 0.99, 0.999] {
            let exact = fraction * 100_000_000
            #expect(abs(Double(histogram.value(at: fraction)) - exact) <= exact * 0.01)
        }
        #expect(histogram.value(at: 1) == 100_000_000)
        #expect(histogram.count == 100_000)
    }

    @Test func `its buckets hold every value once, under a bound that is not below it`() {
        var histogram = LatencyHistogram()
        #expect(histogram.buckets.isEmpty)
        for value in [5, 5, 127, 128, 1000, 1001, 1_000_000, 1_000_000, 1_000_000, 1 << 41] as [UInt64] { histogram.record(value) }
        #expect(histogram.buckets.map(\.count) == [2, 1, 1, 2, 3, 1])
        let bounds: [UInt64] = [5, 127, 128, 1003, 1_003_519, 2_216_203_124_735]
        #expect(histogram.buckets.map(\.nanosecondsMax) == bounds)
    }

    @Test func `the buckets of two runs together are those of one`() {
        var (one, other, all) = (LatencyHistogram(), LatencyHistogram(), LatencyHistogram())
        for value in 0..<2000 as Range<UInt64> {
            if value % 3 == 0 { one.record(value * value) } else { other.record(value * value) }
            all.record(value * value)
        }
        var sums: [UInt64: UInt64] = [:]
        for bucket in one.buckets + other.buckets { sums[bucket.nanosecondsMax, default: 0] += bucket.count }
        #expect(sums == Dictionary(uniqueKeysWithValues: all.buckets.map { ($0.nanosecondsMax, $0.count) }))
    }

    @Test func `values beyond the range are counted in the last place, and the maximum is exact`() {
        var histogram = LatencyHistogram()
        histogram.record(.max)
        #expect(histogram.max == .max)
        #expect(histogram.value(at: 0.5) >= LatencyHistogram.nanosecondsMax)
    }
}

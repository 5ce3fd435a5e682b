/// Counts of durations in nanoseconds, log-linear: every power of two is split into 128 equal parts, so a value is known to 1/128 (0.8 %).
/// Fixed size, recording is an index and an increment (the idea of HdrHistogram).
struct LatencyHistogram {
    /// 2⁷ parts to a power of two.
    private static let partBits = 7
    /// Longer ones count as this: 2⁴² ns are 73 minutes.
    static let nanosecondsMax: UInt64 = 1 << 42 - 1

    private var counts = [UInt64](repeating: 0, count: index(of: nanosecondsMax) + 1)
    private(set) var count: UInt64 = 0
    private(set) var max: UInt64 = 0

    mutating func record(_ nanoseconds: UInt64) {
        counts[Self.index(of: nanoseconds)] += 1
        count += 1
        if nanoseconds > max { max = nanoseconds }
    }

    /// The value that the fraction (0 to 1) of all values do not exceed, rounded up by at most 1/128; 0 when there are none.
    func value(at fraction: Double) -> UInt64 {
        guard count > 0 else { return 0 }
        let rank = Swift.max(1, UInt64((Double(count) * fraction).rounded(.up)))
        var seen: UInt64 = 0
        for index in counts.indices {
            seen += counts[index]
            if seen >= rank { return Swift.min(Self.largest(in: index), max) }
        }
        return max
    }

    /// The parts that hold any, from short to long: the longest duration that each counts, and how many it holds. Those of several runs can
    /// be added up.
    var buckets: [(nanosecondsMax: UInt64, count: UInt64)] {
        counts.indices.filter { counts[$0] > 0 }.map { (Self.largest(in: $0), counts[$0]) }
    }

    /// Small values have an index each; from 2⁷ on the leading 8 bits decide.
    private static func index(of nanoseconds: UInt64) -> Int {
        let value = Swift.min(nanoseconds, nanosecondsMax)
        let shift = Swift.max(0, 63 - value.leadingZeroBitCount - partBits)
        return shift << partBits + Int(value >> UInt64(shift))
    }

    private static func largest(in index: Int) -> UInt64 {
        let shift = Swift.max(0, index >> partBits - 1)
        let part = UInt64(index - shift << partBits)
        return (part + 1) << UInt64(shift) - 1
    }
}

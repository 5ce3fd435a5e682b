import micromeasure

/// What one operation of a benchmark costs.
struct Measurement {
    /// CPU time: the median of ``rounds``.
    let nanoseconds: Double
    /// Heap allocations. A fraction where they do not come with every operation, as when an array grows now and then.
    let allocations: Double

    private static let rounds = 11
    /// Long against a tick of the clock and a cold cache, short enough that most rounds are not interrupted.
    private static let roundNanoseconds: UInt64 = 4_000_000

    init(of benchmark: Benchmark) throws {
        // What is made once is made here: code is paged in, lazy globals have their values.
        try benchmark.run(benchmark.iterations)
        let once = try AllocationCounter.count { try benchmark.run(benchmark.iterations) }
        let twice = try AllocationCounter.count { try benchmark.run(2 * benchmark.iterations) }
        allocations = Double(twice - once) / Double(benchmark.iterations)
        nanoseconds = try Self.nanoseconds(of: benchmark)
    }

    private static func nanoseconds(of benchmark: Benchmark) throws -> Double {
        var iterations = benchmark.iterations
        while try time(benchmark, iterations) < roundNanoseconds { iterations *= 2 }
        let times = try (0..<rounds).map { _ in try time(benchmark, iterations) }.sorted()
        return Double(times[rounds / 2]) / Double(iterations)
    }

    private static func time(_ benchmark: Benchmark, _ iterations: Int) throws -> UInt64 {
        let start = wsg_cpu_nanoseconds()
        try benchmark.run(iterations)
        return wsg_cpu_nanoseconds() - start
    }
}

import Glibc

/// What `Benchmarks/micro` calls, which see. Answers are lines of words with tabs between them.
///
///     microbenchmarks list                    name, iterations
///     microbenchmarks measure NAME…           name, nanoseconds and allocations of one operation
///     microbenchmarks run NAME ITERATIONS     nothing: the work alone, for callgrind
@main
enum Microbenchmarks {
    static func main() {
        do { try run() } catch {
            let line = Array("microbenchmarks: \(error)\n".utf8)
            _ = unsafe line.withUnsafeBytes { unsafe write(STDERR_FILENO, $0.baseAddress, $0.count) }
            exit(1)
        }
    }

    private static func run() throws {
        let words = CommandLine.arguments.dropFirst()
        switch (words.first, words.count) {
        case ("list", 1):
            for benchmark in Benchmark.all { print("\(benchmark.name)\t\(benchmark.iterations)") }
        case ("measure", 2...):
            try AllocationCounter.checkCounts()
            for name in words.dropFirst() {
                let measurement = try Measurement(of: benchmark(name))
                print("\(name)\t\(measurement.nanoseconds)\t\(measurement.allocations)")
            }
        case ("run", 3):
            guard let iterations = Int(words[words.startIndex + 2]), iterations > 0 else { throw Failure("ITERATIONS is a number from 1") }
            try benchmark(words[words.startIndex + 1]).run(iterations)
        default: throw Failure("usage: microbenchmarks list | measure NAME… | run NAME ITERATIONS")
        }
    }

    private static func benchmark(_ name: String) throws -> Benchmark {
        guard let benchmark = Benchmark.all.first(where: { $0.name == name }) else { throw Failure("there is no benchmark \(name)") }
        return benchmark
    }
}

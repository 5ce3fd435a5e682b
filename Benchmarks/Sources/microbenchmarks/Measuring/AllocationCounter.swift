import micromeasure

/// Heap allocations of the whole process while some work is done.
enum AllocationCounter {
    static func count(_ work: () throws -> Void) rethrows -> Int {
        wsg_allocations_begin()
        defer { _ = wsg_allocations_end() }
        try work()
        return Int(wsg_allocations_end())
    }

    /// A counter that something keeps from counting would call everything free.
    static func checkCounts() throws {
        makeArrays(1)
        try require(count { makeArrays(10) } == 10, "an array is one allocation, but allocations are not counted here")
    }

    private static func makeArrays(_ count: Int) {
        for length in 1...count { blackHole([UInt8](repeating: 1, count: length * 100)) }
    }
}

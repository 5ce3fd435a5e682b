/// Fixed work under a name.
struct Benchmark {
    /// `what/how`.
    let name: String
    /// How often the work is done where allocations and instructions are counted: always the same, so that nothing a repetition costs more
    /// or less than another makes a difference. Twice as many is a number of as many digits: reading it costs the same.
    let iterations: Int
    /// Does the work so often, one after the other. What it makes first, once, is not counted: counts are differences between runs.
    let run: (Int) throws -> Void

    /// Every benchmark, in the order of an event's way and then of a command's.
    static var all: [Benchmark] { http + sessions + delivery + webSocket + limits }

    init(_ name: String, iterations: Int = 400, _ run: @escaping (Int) throws -> Void) {
        self.name = name
        self.iterations = iterations
        self.run = run
    }
}

/// Why a figure would mean nothing.
struct Failure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// Work that came out otherwise than it must has not been measured.
func require(_ holds: Bool, _ rule: StaticString) throws {
    if !holds { throw Failure("\(rule)") }
}

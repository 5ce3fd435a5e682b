/// What the processes of a server used of the CPU so far.
struct ServerUsage: Equatable {
    /// By their ids.
    var processes: [Int32: ProcessUsage]

    static func read(_ ids: [Int32]) throws(ProcessUsage.Fault) -> ServerUsage {
        var usage = ServerUsage(processes: [:])
        for id in ids { usage.processes[id] = try ProcessUsage.read(id) }
        return usage
    }

    /// CPU time between two looks, in seconds.
    struct Spent: Equatable {
        /// Of all threads, to the nanosecond. What one used that has ended in between is in nobody's count any more.
        var seconds = 0.0
        /// Of whole processes, to the tick of 10 ms: these say how the time was divided, not how long it was.
        var userSeconds = 0.0
        var systemSeconds = 0.0
    }

    func spent(since before: ServerUsage) -> Spent {
        var nanoseconds: UInt64 = 0
        var ticks = ProcessUsage.Ticks(user: 0, system: 0)
        for (id, process) in processes {
            let earlier = before.processes[id]
            // Thread by thread: out of a sum, a thread that ends would take what the others used meanwhile.
            for (thread, time) in process.threads { nanoseconds += Self.growth(earlier?.threads[thread], time) }
            ticks.user += Self.growth(earlier?.ticks.user, process.ticks.user)
            ticks.system += Self.growth(earlier?.ticks.system, process.ticks.system)
        }
        return Spent(
            seconds: Double(nanoseconds) / 1e9, userSeconds: Double(ticks.user) * ProcessUsage.Ticks.seconds,
            systemSeconds: Double(ticks.system) * ProcessUsage.Ticks.seconds)
    }

    /// Never negative: the id of a thread that ended may be given to another one.
    private static func growth(_ before: UInt64?, _ now: UInt64) -> UInt64 { now - min(now, before ?? 0) }
}

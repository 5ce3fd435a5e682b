internal import Sessions

/// The worker's share of the memory budget: what takes it, and what is done when that is too much (docs/decisions/0016).
extension WorkerCore {
    /// A connection whose socket has not taken everything, and what it would give back.
    private struct Lagging {
        let client: ClientConnection
        let queueBytes: Int
    }

    /// The end of a turn: one comparison, where nothing waits or little more than at the last look.
    func lookAtMemoryIfDue() {
        if counters.value(.queuedBytes) > memory.looksAbove { lookAtMemory() }
    }

    /// Counts what waits, and makes room where the share is exceeded.
    func lookAtMemory() {
        if counters.value(.queuedBytes) > 0 || memory.queues > 0 || memory.kernel > 0 {
            var lagging = count()
            if memory.excess(history: home.keptBytes) > 0, plan.history.eventsMax > 0 { lagging = shed(lagging) }
            home.makeRoom(memory.historyRoom)
            closeSlowest(of: lagging)
        }
        noteMemory()
    }

    private func count() -> [Lagging] {
        var memory = OutboxMemory()
        var lagging: [Lagging] = []
        for client in clients where client.isOpen && !client.outbox.isEmpty {
            lagging.append(Lagging(client: client, queueBytes: memory.add(client.outbox, keptFrom: client.keptFrom)))
        }
        self.memory.note(queues: memory.bytes, lagging: lagging.count, queuedBytes: counters.value(.queuedBytes))
        return lagging
    }

    /// Leaves queues to the history, those that hold most first: as many as would be enough were nothing shared, then all.
    private func shed(_ lagging: [Lagging]) -> [Lagging] {
        var rest = lagging.sorted { $0.queueBytes < $1.queueBytes }
        var excess = memory.excess(history: home.keptBytes)
        while excess > 0, let next = rest.popLast() {
            if next.client.leaveQueueToHistory() { excess -= next.queueBytes }
        }
        let left = count()
        guard memory.excess(history: home.keptBytes) > 0, !rest.isEmpty else { return left }
        for next in rest { _ = next.client.leaveQueueToHistory() }
        return count()
    }

    /// The last resort, when the histories have given what they must.
    private func closeSlowest(of lagging: [Lagging]) {
        // Alike within what the kernel holds for each.
        func size(_ lagging: Lagging) -> Int { lagging.queueBytes / MemoryShare.unsentBytesMax }
        var rest: [Lagging]?
        // As many as would be enough were nothing in their queues shared, and then were all of it.
        for sharesNothing in [true, false] {
            var excess = memory.excess(history: home.keptBytes)
            guard excess > 0 else { return }
            var left =
                rest ?? lagging.sorted { (size($0), $1.client.clock.lastProgress ?? 0) < (size($1), $0.client.clock.lastProgress ?? 0) }
            while excess > 0, let next = left.popLast() {
                next.client.closeSlow(.memoryBudget, "the gateway's memory is full; resume with the last id")
                excess -= MemoryShare.unsentBytesMax + (sharesNothing ? next.queueBytes : 0)
            }
            rest = left
            _ = count()
        }
    }

    private func noteMemory() {
        for (label, bytes) in [home.keptBytes, memory.queues, memory.kernel].enumerated() {
            counters.add(.memory, label: label, UInt64(bytes) &- counters.value(.memory, label: label))
        }
    }
}

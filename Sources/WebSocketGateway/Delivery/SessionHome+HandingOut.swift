internal import EventLoop
internal import Sessions

/// The end of the turn: what was gathered is handed out, and whoever waits is told what became of it.
extension SessionHome {
    /// A batch that other workers are still delivering.
    struct InFlight {
        let waiters: [BatchWaiter]
        var counts: DeliveryCounts
        var waitingFor: Int
    }

    /// Hands out everything released since the last call, and gives the store what is new. Called at the end of each turn.
    func flush() {
        if hasStore { postTicket() }
        while let home = dirty.popLast() { flush(home) }
    }

    func flush(_ home: HomeSession) {
        guard !home.pending.isEmpty else { return }
        // Taken out of it first: what follows may publish again.
        var (frames, waiters): ([Frame], [BatchWaiter]) = ([], [])
        swap(&frames, &home.pending)
        swap(&waiters, &home.pendingWaiters)
        home.pendingBytes = 0
        let number = nextBatch
        let (counts, waitingFor) = handOut(encode(&frames, of: home), number, of: home)
        if waitingFor == 0 {
            finish(waiters, counts)
            spareFrames.giveBack(&frames)
            spareWaiters.giveBack(&waiters)
        } else {
            nextBatch += 1
            inFlight[number] = InFlight(waiters: waiters, counts: counts, waitingFor: waitingFor)
        }
    }

    /// To every worker with connections, here at once. Returns the counts of here and how many other workers' are to come.
    private func handOut(_ batch: Batch, _ number: UInt64, of home: HomeSession) -> (DeliveryCounts, waitingFor: Int) {
        var waitingFor = 0
        for worker in home.members.indices where worker != core.index && home.members[worker].total > 0 {
            if core.post(.deliver(home.id, batch, number: number, home: core.index), to: worker) { waitingFor += 1 }
        }
        guard home.members[core.index].total > 0 else { return (DeliveryCounts(), waitingFor) }
        return (core.fanOut.deliver(batch, of: home), waitingFor)
    }

    /// The batch in every encoding that a member of the session has, on whichever worker: nobody encodes again.
    private func encode(_ frames: inout [Frame], of home: HomeSession) -> Batch {
        if !home.isPlain { addForms(to: &frames, home.encodings) }
        return Batch(frames, encodings: home.encodings, keptFrom: home.history.keptFrom)
    }

    private func addForms(to frames: inout [Frame], _ encodings: [Encoding]) {
        for encoding in encodings where encoding != .plain {
            if encoding == .eventStream {
                for i in frames.indices { frames[i].renderEventStream() }
            } else if let deflater = core.deflater(encoding) {
                for i in frames.indices where frames[i].payloadBytes >= core.plan.settings.deflateThresholdBytes {
                    frames[i].deflate(for: encoding, with: deflater)
                    core.counters.add(.deflations, label: encoding.rawValue - 1)
                }
            }
        }
    }

    /// Another worker has delivered a batch of ours.
    func delivered(_ number: UInt64, _ counts: DeliveryCounts) {
        guard var entry = inFlight[number] else { return }
        entry.counts.add(counts)
        entry.waitingFor -= 1
        if entry.waitingFor > 0 {
            inFlight[number] = entry
        } else {
            inFlight[number] = nil
            finish(entry.waiters, entry.counts)
        }
    }

    private func finish(_ waiters: [BatchWaiter], _ counts: DeliveryCounts) {
        // Nearly always they are one connection's: it is looked for once.
        var publisher: ConnectionRef?
        var connection: HTTPConnection?
        // As is, but not counted for each.
        var uncounted: Unmanaged<HTTPConnection>?
        defer { withExtendedLifetime(connection) {} }
        for waiter in waiters {
            switch waiter {
            case .receipt(let receipt, let events):
                for i in events { receipt.totals += counts.counts(ofEvent: i) }
                settle(receipt)
                // Whoever was told may have closed connections.
                publisher = nil
            case .single(let ref, let number, let id, let index):
                let publish = SinglePublish(id, counts.counts(ofEvent: index))
                if publisher != ref {
                    (publisher, connection) = (ref, core.http(at: ref))
                    unsafe uncounted = connection.map { unsafe Unmanaged.passUnretained($0) }
                }
                if let connection = unsafe uncounted {
                    unsafe connection._withUnsafeGuaranteedRef { $0.published(number, publish) }
                } else {
                    core.published(ref, number, publish)
                }
            }
        }
    }

    /// The worker has stopped: whoever waits for other workers' counts gets those that are known.
    func abandon() {
        failTickets(.stopped)
        endWaits(now: .max)
        for entry in inFlight.values { finish(entry.waiters, entry.counts) }
        inFlight = [:]
    }
}

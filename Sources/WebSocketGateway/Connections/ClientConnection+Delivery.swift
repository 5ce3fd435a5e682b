internal import EventLoop
internal import Sessions
internal import WebSocket

/// The events of a connection that lags, or wants only some types: all others are written by the fan-out itself.
extension ClientConnection {
    /// The fan-out could not give this member the whole batch in one send.
    func deliver(_ batch: Batch, after result: SendResult, into counts: inout DeliveryCounts) {
        let events = batch.frames.count
        switch result {
        case .failed(let error):
            counts.addPartial(events: events, sent: 0, queued: 0)
            fail(error)
        case .sent(let count):
            core.counters.add(.sentBytes, UInt64(count))
            if filter != nil { return deliverWanted(batch, into: &counts) }
            let (whole, partial) = batch.split(at: count, in: encoding)
            let (queued, leftOut) = enqueue(batch, from: whole, partial: partial)
            counts.addPartial(events: events, sent: whole, queued: queued, behind: catchUp == nil ? 0 : events - whole - queued)
            for event in leftOut { counts.conflate(event: event) }
        }
    }

    /// Queues the batch's events from `first` on, `partial` bytes of it being with the kernel. Returns how many, and which of those a newer one of
    /// them has replaced. Without room for one the connection is behind from there; an event that has begun is finished even then, or another
    /// would land in its middle.
    private func enqueue(_ batch: Batch, from first: Int, partial: Int) -> (queued: Int, leftOut: [Int]) {
        var leftOut: [Int] = []
        var next = first
        if partial > 0 {
            _ = queue(batch.frames[first], sent: partial, of: batch)
            next += 1
        }
        while next < batch.frames.count || outbox.bytes > core.plan.settings.writeQueueBytesMax {
            guard next < batch.frames.count, hasRoom(for: batch.frames[next]) else {
                overfill(after: batch.frames[0].id.sequence + UInt64(next) - 1, missed: batch.frames.count - next)
                // A connection that was closed for it keeps what has begun.
                return isOpen ? (next - first, leftOut) : (partial > 0 ? 1 : 0, [])
            }
            if let event = queue(batch.frames[next], sent: 0, of: batch) { leftOut.append(event) }
            next += 1
        }
        return (next - first, leftOut)
    }

    /// However small they are, no more events wait here: each has its entry of 40 bytes, while the history keeps it for all. Without a history only
    /// bytes count, since a full queue closes the connection then.
    private static let queuedMessagesMax = 512

    private func hasRoom(for frame: Frame) -> Bool {
        guard outbox.messages < Self.queuedMessagesMax || core.plan.history.eventsMax == 0 else { return false }
        return outbox.bytes(adding: frame.bytes(in: encoding).count, key: frame.key, now: core.now) <= core.plan.settings.writeQueueBytesMax
    }

    /// Puts an event behind what waits. Returns which of the batch's events it has replaced: one of an earlier batch was counted as queued then.
    private func queue(_ frame: Frame, sent: Int, of batch: Batch) -> Int? {
        let (before, wasEmpty) = (outbox.bytes, outbox.isEmpty)
        let leftOut = outbox.append(frame.bytes(in: encoding), sent: sent, id: frame.id, key: frame.key, now: core.now)
        if wasEmpty { beganToLag() } else { core.counters.add(.queuedBytes, UInt64(bitPattern: Int64(outbox.bytes - before))) }
        guard let leftOut else { return nil }
        core.counters.add(.deliveriesConflated, label: Int(frame.typeIndex))
        // It was counted as delivered.
        if filter == nil { eventsAtStart &+= 1 } else { eventsCounted &-= 1 }
        return leftOut < batch.frames[0].id.sequence ? nil : Int(leftOut - batch.frames[0].id.sequence)
    }

    /// Says what policy left out of the next `max` bytes.
    func announceOmissions(within max: Int) {
        guard outbox.hasOmissions else { return }
        let before = outbox.bytes
        outbox.announce(within: max) { omission in
            noteConflated(omission)
            return OwnMessages.conflated(omission, now: core.wallTime, for: transport)
        }
        core.counters.add(.queuedBytes, UInt64(outbox.bytes - before))
    }

    private func deliverWanted(_ batch: Batch, into counts: inout DeliveryCounts) {
        guard let filter else { return }
        // Of the wanted events, in their order, the kernel has so many bytes.
        var taken = isOpen && catchUp == nil && outbox.isEmpty ? send(core.fanOut.wanted(of: batch, by: filter, in: encoding)) : 0
        for (i, frame) in batch.frames.enumerated() where frame.isWanted(by: filter) {
            if isOpen, catchUp == nil, !outbox.isEmpty, !hasRoom(for: frame) { overfill(after: frame.id.sequence - 1, missed: 0) }
            var event = EventCounts(connections: 1)
            defer { counts.add(event: i, of: batch.frames.count, event) }
            guard isOpen, catchUp == nil else {
                if isOpen { event.behind = 1 } else { event.dropped = 1 }
                continue
            }
            eventsCounted += 1
            let sent = min(taken, frame.bytes(in: encoding).count)
            taken -= sent
            if sent == frame.bytes(in: encoding).count {
                event.sent = 1
            } else {
                event.queued = 1
                if let older = queue(frame, sent: sent, of: batch) { counts.conflate(event: older) }
            }
        }
    }

    /// How many of the bytes the kernel takes at once; none when the connection has failed.
    private func send(_ bytes: [UInt8]) -> Int {
        guard !bytes.isEmpty else { return 0 }
        switch stream.send(bytes.span) {
        case .sent(let count):
            core.counters.add(.sentBytes, UInt64(count))
            return count
        case .failed(let error):
            fail(error)
            return 0
        }
    }

    /// The queue is full. What follows `sequence` comes from the history, or not at all where none is kept.
    private func overfill(after sequence: UInt64, missed: Int) {
        if core.plan.history.eventsMax > 0 { fallBehind(after: sequence, missed: missed) } else { closeFull() }
    }

    func closeFull() { closeSlow(.queueFull, "write queue full; resume with the last id") }

    func closeSlow(_ ending: Ending, _ text: String) {
        guard isOpen else { return }
        core.counters.add(.slowCloses, label: ending == .queueFull ? 0 : ending == .noProgress ? 1 : 2)
        close(.slowConsumer, ending, reason: text)
    }
}

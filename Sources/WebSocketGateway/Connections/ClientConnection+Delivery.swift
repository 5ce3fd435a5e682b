internal import EventLoop
internal import Sessions

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
            let queued = enqueue(batch, from: whole, partial: partial)
            counts.addPartial(events: events, sent: whole, queued: queued, behind: catchUp == nil ? 0 : events - whole - queued)
        }
    }

    /// Queues the batch's events from `first` on, `partial` bytes of it being with the kernel, and returns how many. Without room for all of
    /// them the connection is behind from now on; an event that has begun is finished even then, or another would land in its middle.
    private func enqueue(_ batch: Batch, from first: Int, partial: Int) -> Int {
        var needed = -partial
        for frame in batch.frames[first...] { needed += frame.bytes(in: encoding).count }
        let wasEmpty = outbox.isEmpty
        guard outbox.bytes + needed <= core.plan.settings.writeQueueBytesMax else {
            if partial > 0 {
                outbox.append(batch.frames[first].bytes(in: encoding), sent: partial)
                beganToLag()
            }
            let queued = partial > 0 ? 1 : 0
            overfill(after: batch.frames[first].id.sequence - 1 + UInt64(queued), missed: batch.frames.count - first - queued)
            return queued
        }
        var sent = partial
        for frame in batch.frames[first...] {
            outbox.append(frame.bytes(in: encoding), sent: sent)
            sent = 0
        }
        if wasEmpty { beganToLag() } else { core.counters.add(.queuedBytes, UInt64(needed)) }
        return batch.frames.count - first
    }

    private func deliverWanted(_ batch: Batch, into counts: inout DeliveryCounts) {
        guard let filter else { return }
        for (i, frame) in batch.frames.enumerated() where frame.isWanted(by: filter) {
            var event = EventCounts(connections: 1)
            defer { counts.add(event: i, of: batch.frames.count, event) }
            if isOpen, catchUp == nil, !outbox.isEmpty,
                outbox.bytes + frame.bytes(in: encoding).count > core.plan.settings.writeQueueBytesMax
            {
                overfill(after: frame.id.sequence - 1, missed: 0)
            }
            guard isOpen, catchUp == nil else {
                if isOpen { event.behind = 1 } else { event.dropped = 1 }
                continue
            }
            eventsCounted += 1
            let waited = outbox.bytes
            send(frame.bytes(in: encoding))
            if !isOpen {
                event.dropped = 1
            } else if outbox.bytes > waited {
                event.queued = 1
            } else {
                event.sent = 1
            }
        }
    }

    /// The queue is full. What follows `sequence` comes from the history, or not at all where none is kept.
    private func overfill(after sequence: UInt64, missed: Int) {
        if core.plan.history.eventsMax > 0 { fallBehind(after: sequence, missed: missed) } else { closeFull() }
    }

    func closeFull() { closeSlow(reason: 0, "write queue full; resume with the last id") }
}

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
            counts.addPartial(events: events, sent: whole, queued: enqueue(batch, from: whole, partial: partial))
        }
    }

    /// Queues the batch's events from `first` on, `partial` bytes of it being with the kernel, and returns how many. Without room for all of
    /// them the connection is closed as too slow; an event that has begun is finished even then, or the close frame would land in its middle.
    private func enqueue(_ batch: Batch, from first: Int, partial: Int) -> Int {
        var needed = -partial
        for frame in batch.frames[first...] { needed += frame.bytes(in: encoding).count }
        let wasEmpty = outbox.isEmpty
        guard outbox.bytes + needed <= core.plan.settings.writeQueueBytesMax else {
            if partial > 0 {
                outbox.append(batch.frames[first].bytes(in: encoding), sent: partial)
                beganToLag()
            }
            closeFull()
            return partial > 0 ? 1 : 0
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
            guard isOpen, hasRoom(outbox.isEmpty ? 0 : frame.bytes(in: encoding).count) else {
                event.dropped = 1
                continue
            }
            eventsFiltered += 1
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

    func hasRoom(_ bytes: Int) -> Bool {
        guard outbox.bytes + bytes > core.plan.settings.writeQueueBytesMax else { return true }
        closeFull()
        return false
    }

    private func closeFull() { closeSlow(reason: 0, "write queue full; resume with the last id") }
}

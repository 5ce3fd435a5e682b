internal import Sessions

extension HistoryPage {
    /// Of what the store read; nil where that is nothing. It counts what it keeps, which is less than the frames: at most `bytesMax` bytes of those, but
    /// always one.
    init?(_ events: [StoredEvent], after sequence: UInt64, head: EventID, bytesMax: Int, _ policies: DeliveryPolicies) {
        var frames: [Frame] = []
        var size = 0
        // What is not released yet is nobody's business.
        for event in events where event.sequence <= head.sequence {
            let frame = Frame(event, epoch: head.epoch, policies)
            size += frame.bytes.count
            guard frames.isEmpty || size <= bytesMax else { break }
            frames.append(frame)
        }
        guard let first = frames.first?.id.sequence, let last = frames.last?.id.sequence else { return nil }
        let lost = first > sequence + 1 ? Lost(epoch: head.epoch, first: sequence + 1, last: first - 1) : nil
        self.init(frames: frames, lost: lost, last: last, isHead: last == head.sequence)
    }
}

extension Frame {
    init(_ stored: StoredEvent, epoch: Epoch, _ policies: DeliveryPolicies) {
        // Published before anybody measured.
        self.init(
            stored.event, of: stored.body.span, id: EventID(epoch: epoch, sequence: stored.sequence),
            timestamp: TimestampText(stored.publishedAt), publishedAt: 0, key: policies.key(of: stored.event, in: stored.body.span))
    }
}

internal import Sessions

/// What became of a publish of one event, in less room than a ``PublishReceipt``: nearly every publish ends so, and waits so for its answer's turn.
struct SinglePublish {
    let id: EventID
    private let connections: UInt32
    private let sent: UInt32
    private let queued: UInt32
    private let conflated: UInt32
    private let dropped: UInt32

    init(_ id: EventID, _ counts: EventCounts) {
        self.id = id
        connections = UInt32(clamping: counts.connections)
        sent = UInt32(clamping: counts.sent)
        queued = UInt32(clamping: counts.queued + counts.behind)
        conflated = UInt32(clamping: counts.conflated)
        dropped = UInt32(clamping: counts.dropped)
    }

    var receipt: PublishReceipt {
        PublishReceipt(
            firstID: id, lastID: id, count: 1, connections: Int(connections), sent: Int(sent), queued: Int(queued),
            conflated: Int(conflated), dropped: Int(dropped))
    }
}

import Sessions

/// What a client has of a session's stream, and whether the next event follows it: ids grow by exactly 1 within an epoch.
struct StreamProgress {
    enum Step: Equatable {
        case inOrder
        /// Events between the two never came.
        case gap(after: EventID, before: EventID)
        /// An event came that was here already, or came late.
        case repeated(EventID, after: EventID)
        /// The gateway could not continue the earlier stream.
        case newEpoch(after: EventID, EventID)

        /// What to say about it; nil when all is well.
        var warning: String? {
            switch self {
            case .inOrder: nil
            case .gap(let after, let before):
                "GAP: \(before.sequence - after.sequence - 1) event(s) missing between \(after) and \(before)"
            case .repeated(let id, let after): "REPEATED: \(id) came after \(after)"
            case .newEpoch(let after, let id): "NEW EPOCH: \(id) came after \(after); events in between may be lost"
            }
        }
    }

    /// The newest event that is here, or was announced as left out.
    private(set) var last: EventID?
    /// With a filter by type ids ascend with holes.
    private let isContiguous: Bool

    init(last: EventID?, isContiguous: Bool) {
        self.last = last
        self.isContiguous = isContiguous
    }

    /// The gateway said where the stream stands as this connection joined it: what comes next is known before it comes.
    mutating func join(at id: EventID) {
        if last == nil { last = id }
    }

    mutating func receive(_ id: EventID) -> Step {
        guard let last else {
            self.last = id
            return .inOrder
        }
        guard id.epoch == last.epoch else {
            self.last = id
            return .newEpoch(after: last, id)
        }
        guard id.sequence > last.sequence else { return .repeated(id, after: last) }
        self.last = id
        return id.sequence == last.sequence + 1 || !isContiguous ? .inOrder : .gap(after: last, before: id)
    }

    /// `conflated` and `lost` stand where the events would have been: their absence is announced and no gap.
    mutating func announceAbsent(first: EventID, last end: EventID) {
        guard let last else { return }
        if first.epoch == last.epoch, first.sequence <= last.sequence + 1, end.sequence > last.sequence { self.last = end }
    }
}

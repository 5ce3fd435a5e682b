/// What `connected` tells a client that came back with `last_event_id`.
package struct ResumeAnswer: Sendable, Equatable {
    /// Whether the client gets every event after `from`, without a gap.
    package let recovered: Bool

    /// The id that was asked for.
    package let from: EventID

    /// The oldest event kept; nil while nothing is.
    package let oldestID: EventID?

    package init(recovered: Bool, from: EventID, oldestID: EventID?) {
        self.recovered = recovered
        self.from = from
        self.oldestID = oldestID
    }
}

extension SessionStream {
    /// Whether a client that has seen `id` can have everything after it. Not when the epoch is another, when the id is ahead of the head, or when
    /// something behind it is kept no more: a loss is announced, never silent.
    /// - Parameter kept: how many of the newest events are.
    package func resume(from id: EventID, kept: Int) -> ResumeAnswer {
        let isRecovered = id.epoch == epoch && id.sequence <= lastSequence && lastSequence - id.sequence <= UInt64(kept)
        return ResumeAnswer(recovered: isRecovered, from: id, oldestID: oldestID(kept: kept))
    }

    package func oldestID(kept: Int) -> EventID? {
        guard kept > 0, let lastID else { return nil }
        return EventID(epoch: lastID.epoch, sequence: sequence(before: kept) + 1)
    }

    /// Where the events kept begin; of more than there are, at the stream's beginning.
    private func sequence(before kept: Int) -> UInt64 { lastSequence - min(UInt64(kept), lastSequence) }

    /// The sequence after which a new connection's events begin; nil: with what is published next.
    package func start(_ resume: ResumeAnswer?, _ join: JoinMode, kept: Int) -> UInt64? {
        let oldest = sequence(before: kept)
        let start =
            if let resume {
                resume.recovered ? resume.from.sequence : oldest
            } else {
                switch join {
                case .live: lastSequence
                case .all: oldest
                case .latest(let count): sequence(before: min(count, kept))
                }
            }
        return start == lastSequence ? nil : start
    }
}

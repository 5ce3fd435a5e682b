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
    /// A stream without history recovers only the client that has missed nothing. An id of another epoch, behind the head
    /// or ahead of it is answered with a loss: announced, never silent.
    package func resume(from id: EventID) -> ResumeAnswer {
        ResumeAnswer(recovered: id == lastID, from: id, oldestID: nil)
    }
}

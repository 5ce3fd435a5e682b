internal import EventLoop
internal import Sessions
internal import WebSocket

/// What is kept of a connection for who asks later why it was slow, or ended. Nothing of it is on a healthy connection's way.
extension ClientConnection {
    /// Of the session's connections alone: nobody can ask for others.
    func note(_ what: ConnectionMoment.What) {
        guard mode == .session else { return }
        let recorder = self.recorder ?? FlightRecorder()
        self.recorder = recorder
        recorder.note(what, at: core.turnTime)
    }

    var story: ConnectionStory { recorder?.story ?? .none }

    func noteConflated(_ omission: Omission) {
        note(.conflated(events: omission.ranges.reduce(0) { $0 + UInt64($1.count) }, types: omission.types))
    }

    func noteLost(_ first: EventID, _ last: EventID) {
        let count = last.sequence - first.sequence + 1
        core.counters.add(.eventsLost, count)
        note(.lost(first: first, last: last, events: count))
    }

    /// Nil for what is before the first event.
    static func id(_ epoch: Epoch, _ sequence: UInt64) -> EventID? { sequence == 0 ? nil : EventID(epoch: epoch, sequence: sequence) }

    func noteCaughtUp(_ catchUp: CatchUp) {
        let milliseconds = core.now - catchUp.since
        // Who came late and was soon served is as healthy as anybody.
        guard catchUp.cause == .slow || milliseconds >= CatchUp.noteworthyMilliseconds else { return }
        note(.caughtUp(milliseconds: milliseconds, events: eventsCounted &- catchUp.countedAtStart))
    }

    func noteRoundTrip() {
        guard let roundTrip, roundTrip >= UInt64(ConnectionMoment.What.slowRoundTripMilliseconds) * 1_000_000 else { return }
        note(.slowPing(milliseconds: Double(roundTrip / 1000) / 1000))
    }

    /// It is about to leave its session, and still knows everything.
    func recordClosure(_ ending: Ending) {
        guard mode != .echo else { return }
        let queued = outbox.bytes
        core.closures.add(
            Closure(
                id: id, session: session?.id, kind: session?.kind, transport: transport, address: address, ending: ending,
                closeCode: closeCode?.rawValue ?? 1006, connectedAt: connectedAt, closedAt: core.turnTime.microsecondsSince1970,
                delivered: delivered, lastID: lastDelivered, queuedBytes: queued, lag: queued == 0 && catchUp == nil ? 0 : lag,
                roundTripNanoseconds: roundTrip,
                recorder: recorder))
    }
}

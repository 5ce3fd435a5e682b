internal import EventLoop
internal import Sessions

/// How far a connection that is behind has come.
final class CatchUp {
    /// The sequence of the newest event handed to it; 0 before the first.
    var after: UInt64
    /// The home was asked for what follows and has not answered.
    var isAsking = false

    init(after: UInt64) { self.after = after }
}

/// A connection that is behind: it came late, came back, or reads slower than its session's engine publishes. It is fed from the history at its own
/// pace, a page at a time, whenever its socket has taken the one before. The page that reaches the head makes it live again.
///
/// Flow: SessionHome → HistoryPage → **ClientConnection** → Outbox → TCPStream
extension ClientConnection {
    func beginCatchUp(after sequence: UInt64) {
        catchUp = CatchUp(after: sequence)
        core.counters.add(.behind)
    }

    func endCatchUp() {
        catchUp = nil
        core.counters.subtract(.behind)
    }

    /// From now on what is published is left to the history. `missed` events of the batch being delivered have been counted for this connection
    /// already; it gets them from there.
    func fallBehind(after sequence: UInt64, missed: Int) {
        guard let session else { return }
        if filter == nil { eventsCounted = delivered &- UInt64(missed) }
        beginCatchUp(after: sequence)
        core.fanOut.move(self, to: .behind, in: session)
        // With an empty outbox nothing would ever become writable.
        if outbox.isEmpty { askForMore() }
    }

    /// What it has not got of a history that goes; nil where it is not behind.
    var endOfHistory: (first: EventID, last: EventID)? {
        guard let catchUp, let last = session?.lastID, catchUp.after < last.sequence else { return nil }
        return (EventID(epoch: last.epoch, sequence: catchUp.after + 1), last)
    }

    func askForMore() {
        guard let session, let catchUp, !catchUp.isAsking else { return }
        catchUp.isAsking = true
        core.post(
            .readHistory(
                HistoryRequest(
                    session: session.id, incarnation: session.incarnation, worker: core.index, connection: ref, after: catchUp.after)),
            to: core.board.home(of: session.id))
    }

    /// The home's answer: everything that was published before the page's end has been left to the history here, and everything after travels behind it.
    func catchUp(with page: HistoryPage) {
        guard isOpen, let session, let catchUp else { return }
        catchUp.isAsking = false
        if let lost = page.lost {
            core.counters.add(.eventsLost, lost.last - lost.first + 1)
            send(OwnMessages.lost(lost.firstID, lost.lastID, now: core.wallTime))
        }
        let frames = filter.map { filter in page.frames.filter { $0.isWanted(by: filter) } } ?? page.frames
        if isOpen, !frames.isEmpty { send(frames) }
        guard isOpen else { return }
        catchUp.after = page.last
        eventsCounted += UInt64(frames.count)
        if page.isHead { return becomeLive(in: session) }
        if outbox.isEmpty { askForMore() }
    }

    private func becomeLive(in session: LocalSession) {
        endCatchUp()
        if filter == nil { eventsAtStart = session.eventsSeen &- eventsCounted }
        core.fanOut.move(self, to: filter == nil && outbox.isEmpty ? .direct(encoding) : .careful, in: session)
    }

    private func send(_ frames: [Frame]) {
        var (whole, partial) = (0, 0)
        if outbox.isEmpty {
            let page = Batch(frames)
            switch stream.send(page.bytes(in: .plain).span) {
            case .failed(let error): return fail(error)
            case .sent(let count):
                core.counters.add(.sentBytes, UInt64(count))
                (whole, partial) = page.split(at: count)
            }
        }
        for frame in frames { core.counters.add(.deliveries, label: Int(frame.typeIndex)) }
        append(frames[whole...], sent: partial)
    }

    /// Kept events are not compressed: who catches up takes them as they are.
    private func append(_ frames: ArraySlice<Frame>, sent: Int) {
        guard !frames.isEmpty else { return }
        let (before, wasEmpty) = (outbox.bytes, outbox.isEmpty)
        var sent = sent
        for frame in frames {
            outbox.append(frame.bytes, sent: sent)
            sent = 0
        }
        if wasEmpty { beganToLag() } else { core.counters.add(.queuedBytes, UInt64(outbox.bytes - before)) }
    }

    /// A batch passes this connection by.
    func leaveToHistory(_ batch: Batch, _ counts: inout DeliveryCounts) {
        guard let filter else {
            counts.uniformBehind += 1
            return
        }
        for (i, frame) in batch.frames.enumerated() where frame.isWanted(by: filter) {
            counts.add(event: i, of: batch.frames.count, EventCounts(connections: 1, behind: 1))
        }
    }
}

internal import EventLoop
internal import Sessions

/// How far a connection that is behind has come.
final class CatchUp {
    /// Who came late and has everything sooner is nothing to tell of.
    static let noteworthyMilliseconds: UInt64 = 1000

    enum Cause {
        /// It came back, or late: every event that it was not yet sent is its due.
        case joined
        /// It reads slower than events come: what has a newer one of its key beside it is left out.
        case slow
    }

    let cause: Cause
    /// The sequence of the newest event handed to it; 0 before the first.
    var after: UInt64
    /// The home was asked for what follows and has not answered.
    var isAsking = false
    /// Loop milliseconds.
    let since: UInt64
    /// The connection's count of events then.
    let countedAtStart: UInt64
    /// It is behind for good, and gets the events at their times. Here, so that no other connection has room for it.
    let replay: Replay?

    init(after: UInt64, _ cause: Cause, since: UInt64, counted: UInt64, _ replay: Replay? = nil) {
        self.after = after
        self.cause = cause
        self.since = since
        countedAtStart = counted
        self.replay = replay
    }
}

/// A connection that is behind: it came late, came back, or reads slower than its session's engine publishes. It is fed from the history at its own
/// pace, a page at a time, whenever its socket has taken the one before. The page that reaches the head makes it live again.
///
/// Flow: SessionHome → HistoryPage → **ClientConnection** → Outbox → TCPStream
extension ClientConnection {
    /// Messages in the queue, and events that the history holds for it.
    var lag: Int {
        guard let lastID = session?.lastID, let catchUp else { return outbox.messages }
        return outbox.messages + Int(clamping: lastID.sequence - catchUp.after)
    }

    func beginCatchUp(after sequence: UInt64, _ cause: CatchUp.Cause, _ replay: Replay? = nil) {
        catchUp = CatchUp(after: sequence, cause, since: core.now, counted: eventsCounted, replay)
        core.counters.add(replay == nil ? .behind : .replaying)
    }

    func endCatchUp() {
        core.counters.subtract(catchUp?.replay == nil ? .behind : .replaying)
        catchUp = nil
    }

    /// From now on what is published is left to the history. `missed` events of the batch being delivered have been counted for this connection
    /// already; it gets them from there.
    func fallBehind(after sequence: UInt64, missed: Int) {
        guard let session else { return }
        if filter == nil { eventsCounted = delivered &- UInt64(missed) }
        note(.fellBehind(after: session.lastID.flatMap { Self.id($0.epoch, sequence) }, queuedBytes: outbox.bytes))
        beginCatchUp(after: sequence, .slow)
        core.fanOut.move(self, to: .behind, in: session)
        // With an empty outbox nothing would ever become writable, unless it is waited for already.
        if outbox.isEmpty, clock.lastProgress == nil { askForMore() }
    }

    /// The worker is short of memory: what waits of the stream and has not begun comes from the history, when the socket takes something again. False
    /// where there is nothing of it, or no history that will have it.
    func leaveQueueToHistory() -> Bool {
        guard isOpen, session != nil, catchUp?.isAsking != true, catchUp?.replay == nil, core.plan.history.eventsMax > 0 else {
            return false
        }
        let before = outbox.bytes
        guard let (after, events) = outbox.takeBackEvents() else { return false }
        core.counters.subtract(.queuedBytes, UInt64(before - outbox.bytes))
        core.counters.add(.queuesShed)
        guard let catchUp else {
            if filter != nil { eventsCounted &-= UInt64(events) }
            fallBehind(after: after, missed: events)
            return true
        }
        // It was behind already, with a full queue before it.
        eventsCounted &-= UInt64(events)
        catchUp.after = after
        return true
    }

    /// From where on what waits for it is what the history keeps: of plain frames.
    var keptFrom: UInt64? { encoding == .plain ? session?.keptFrom : nil }

    /// The session is over for good: what waits in the queue is sent before the close frame, in the time there is for closing. Its history goes, and
    /// who is behind is told what it will not get.
    func sessionEnded() {
        guard isOpen else { return }
        if let (first, last) = endOfHistory {
            noteLost(first, last)
            send(OwnMessages.lost(first, last, now: core.wallTime, for: transport))
            guard isOpen else { return }
        }
        closeInOrder(.sessionEnded, reason: "session ended")
    }

    /// What it has not got of a history that goes; nil where it is not behind.
    var endOfHistory: (first: EventID, last: EventID)? {
        guard let catchUp, let last = session?.lastID, catchUp.after < last.sequence else { return nil }
        return (EventID(epoch: last.epoch, sequence: catchUp.after + 1), last)
    }

    /// Its socket has taken what it was given, or it was given nothing yet.
    func continueFromHistory() { if catchUp?.replay == nil { askForMore() } else { play() } }

    func askForMore() {
        guard let session, let catchUp, !catchUp.isAsking else { return }
        catchUp.isAsking = true
        core.post(
            .readHistory(
                HistoryRequest(
                    session: session.id, incarnation: session.incarnation, worker: core.index, connection: ref,
                    after: catchUp.replay?.readsAfter(catchUp.after) ?? catchUp.after, bytesMax: core.plan.pageBytesMax)),
            to: core.board.home(of: session.id))
    }

    /// The home's answer: everything that was published before the page's end has been left to the history here, and everything after travels behind it.
    func catchUp(with page: HistoryPage) {
        guard isOpen, let session, let catchUp else { return }
        catchUp.isAsking = false
        if let replay = catchUp.replay { return take(page, for: replay, catchUp) }
        if let lost = page.lost { announce(lost) }
        var frames = filter.map { filter in page.frames.filter { $0.isWanted(by: filter) } } ?? page.frames
        let cutBehind = transport == .eventStream ? renderEventStream(&frames) : nil
        let entries = catchUp.cause == .slow ? HistoryPage.conflated(frames) : frames.map { .event($0) }
        if isOpen, !entries.isEmpty { send(entries) }
        guard isOpen else { return }
        catchUp.after = cutBehind ?? page.last
        if cutBehind == nil, page.isHead { return becomeLive(in: session) }
        if outbox.isEmpty { askForMore() }
    }

    /// The text is longer than the frame: what is more than a page then is asked for again, behind the sequence returned.
    private func renderEventStream(_ frames: inout [Frame]) -> UInt64? {
        var size = 0
        for i in frames.indices {
            frames[i].renderEventStream()
            size += frames[i].bytes(in: .eventStream).count
            guard i > 0, size > core.plan.pageBytesMax else { continue }
            frames.removeSubrange(i...)
            return frames[i - 1].id.sequence
        }
        return nil
    }

    func announce(_ lost: HistoryPage.Lost) {
        noteLost(lost.firstID, lost.lastID)
        send(OwnMessages.lost(lost.firstID, lost.lastID, now: core.wallTime, for: transport))
    }

    private func becomeLive(in session: LocalSession) {
        if let catchUp { noteCaughtUp(catchUp) }
        endCatchUp()
        if filter == nil { eventsAtStart = session.eventsSeen &- eventsCounted }
        core.fanOut.move(self, to: filter == nil && outbox.isEmpty ? liveGroup : .careful, in: session)
    }

    func send(_ entries: [HistoryPage.Entry]) {
        var messages: [(bytes: [UInt8], id: EventID?)] = []
        messages.reserveCapacity(entries.count)
        for entry in entries {
            switch entry {
            case .event(let frame):
                eventsCounted += 1
                core.counters.add(.deliveries, label: Int(frame.typeIndex))
                messages.append((frame.bytes(in: keptEncoding), frame.id))
            case .leftOut(let omission, let types):
                noteConflated(omission)
                for type in types { core.counters.add(.deliveriesConflated, label: Int(type)) }
                messages.append((OwnMessages.conflated(omission, now: core.wallTime, for: transport), nil))
            }
        }
        send(messages)
    }

    /// Kept events are not compressed: who catches up takes them as they are. The text of an event stream is made for each who does.
    private var keptEncoding: Encoding { encoding == .eventStream ? .eventStream : .plain }

    /// What waits of them is sent, whatever is published meanwhile.
    private func send(_ messages: [(bytes: [UInt8], id: EventID?)]) {
        var sent = 0
        if outbox.isEmpty {
            var joined: [UInt8] = []
            joined.reserveCapacity(messages.reduce(0) { $0 + $1.bytes.count })
            for message in messages { joined.append(contentsOf: message.bytes) }
            switch stream.send(joined.span) {
            case .failed(let error): return fail(error)
            case .sent(let count):
                core.counters.add(.sentBytes, UInt64(count))
                if count == joined.count { return }
                sent = count
            }
        }
        let (before, wasEmpty) = (outbox.bytes, outbox.isEmpty)
        for (bytes, id) in messages {
            if sent < bytes.count {
                if let id {
                    _ = outbox.append(bytes, sent: sent, id: id, key: nil, now: core.now)
                } else {
                    outbox.append(bytes, sent: sent)
                }
            }
            sent = max(0, sent - bytes.count)
        }
        outbox.keepWhatWaits()
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

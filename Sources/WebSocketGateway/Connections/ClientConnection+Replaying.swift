internal import EventLoop
internal import Sessions

/// A connection that replays a recorded session: behind for good, it is given each event of its page when that is due (docs/decisions/0015). Nothing is
/// ever left out for it: what its socket does not take is waited for.
///
/// Flow: HistoryPage → Replay → **ClientConnection** → Outbox → TCPStream
extension ClientConnection {
    /// The loop's time in microseconds.
    private var replayTime: UInt64 { core.now * 1000 }

    /// Sends what is due, and sees to it that the rest comes when it is. Nothing on a connection that does not replay.
    func play() {
        guard let catchUp, let replay = catchUp.replay, isOpen, replay.search == nil, outbox.isEmpty else { return }
        let now = replayTime
        var due: [HistoryPage.Entry] = []
        while let frame = replay.playNext(now: now) {
            catchUp.after = frame.id.sequence
            if filter.map({ frame.isWanted(by: $0) }) ?? true { due.append(.event(frame)) }
        }
        if !due.isEmpty { send(due) }
        guard isOpen else { return }
        if replay.hasMore {
            // A timer would come too early for what waits for the socket.
            guard outbox.isEmpty, let next = replay.nextDue else { return }
            return core.schedule(self, at: (next + 999) / 1000)
        }
        playOn(replay, catchUp)
    }

    /// The page is played.
    private func playOn(_ replay: Replay, _ catchUp: CatchUp) {
        catchUp.after = max(catchUp.after, replay.pageEnd)
        if session?.lastID == nil { replay.isAtHead = true }
        guard replay.isAtHead else {
            if outbox.isEmpty { askForMore() }
            return
        }
        if replay.isCompleted, !replay.clock.isPaused { closeInOrder(.sessionEnded, reason: "replay ended") }
    }

    /// A batch was handed out to the live members.
    func moreWasPublished() {
        guard let replay = catchUp?.replay, replay.isAtHead else { return }
        replay.isAtHead = false
        play()
    }

    /// The home's answer.
    func take(_ page: HistoryPage, for replay: Replay, _ catchUp: CatchUp) {
        if replay.dropsAnswer {
            replay.dropsAnswer = false
            return askForMore()
        }
        if let search = replay.search { return look(for: search, in: page, replay, catchUp) }
        if let lost = replay.take(page, after: catchUp.after, now: replayTime) {
            announce(lost)
            guard isOpen else { return }
            catchUp.after = lost.last
        }
        play()
    }

    // MARK: Seeking

    /// Goes to the event of this sequence: it is the next to be sent.
    func seek(to sequence: UInt64, _ replay: Replay, _ catchUp: CatchUp) {
        abandonSearch(replay)
        if catchUp.isAsking { replay.dropsAnswer = true }
        catchUp.after = sequence - 1
        replay.jump(now: replayTime)
    }

    /// Looks for the first event of this time or a later one.
    func seek(_ search: Replay.Search, _ replay: Replay, _ catchUp: CatchUp) {
        abandonSearch(replay)
        replay.search = search
        if catchUp.isAsking { replay.dropsAnswer = true } else { askForMore() }
    }

    private func abandonSearch(_ replay: Replay) {
        guard let search = replay.search else { return }
        replay.search = nil
        ReplayCommands.refuse(search.command, "COMMAND_FAILED", "another seek came before this one was done", from: self)
    }

    private func look(for search: Replay.Search, in page: HistoryPage, _ replay: Replay, _ catchUp: CatchUp) {
        guard let index = page.frames.firstIndex(where: { $0.time.map { $0 >= search.time } ?? false }) else {
            guard page.isHead else {
                replay.search?.after = page.last
                return askForMore()
            }
            replay.search = nil
            ReplayCommands.refuse(search.command, "INVALID_COMMAND", ReplayCommands.noEventThatLate, from: self)
            return play()
        }
        replay.search = nil
        let id = page.frames[index].id
        catchUp.after = id.sequence - 1
        replay.jump(to: page.frames[index...], end: page.last, now: replayTime)
        ReplayCommands.acknowledge(search.command, replay, from: id, to: self)
        play()
    }
}

internal import EventLoop
internal import Sessions

/// What the homes keep in memory, and the pages that are made of it.
extension SessionHome {
    /// What a connection that is behind gets at once.
    func page(of home: HomeSession, after sequence: UInt64, bytesMax: Int) -> HistoryPage? {
        guard let head = home.stream.lastID, sequence <= head.sequence else { return nil }
        return home.history.page(after: sequence, head: head, bytesMax: bytesMax)
    }

    /// Answers a connection that is behind. Everything published so far has been handed out before the page, and what comes travels behind it: who
    /// is given the head misses nothing. Nobody answers for a session that is gone; its connections are being closed.
    func read(_ request: HistoryRequest) {
        guard let home = sessions[request.session], home.incarnation == request.incarnation else { return }
        if isInStore(request.after, of: home) { return askStore(request) }
        flush(home)
        if let page = page(of: home, after: request.after, bytesMax: request.bytesMax) { send(page, request) }
    }

    func send(_ page: HistoryPage, _ request: HistoryRequest) {
        if request.worker == core.index {
            core.client(at: request.connection)?.catchUp(with: page)
        } else {
            core.post(.history(request.connection, page), to: request.worker)
        }
    }

    /// Some events of a session behind `id`, or its oldest, for an engine; nil when the session is not known.
    func read(_ id: SessionID, after: EventID?, limit: Int) -> SessionRead? {
        guard let home = sessions[id] else { return nil }
        let resume = after.map { home.stream.resume(from: $0, kept: home.kept) }
        let start = home.stream.start(resume, .all, kept: home.kept)
        if let start, isInStore(start, of: home) { return .inStore(after: start, resume) }
        let page = home.stream.lastID.flatMap { head in
            start.map { home.history.page(after: $0, head: head, eventsMax: limit, bytesMax: SessionHistoryAnswer.bytesMax) }
        }
        return .answer(answer(page, resume, of: home))
    }

    func answer(_ page: HistoryPage?, _ resume: ResumeAnswer?, of home: HomeSession) -> SessionHistoryAnswer {
        SessionHistoryAnswer(
            page: page, lastID: home.stream.lastID, oldestID: home.stream.oldestID(kept: home.kept), resume: resume)
    }

    func keep(_ frame: Frame, in home: HomeSession) {
        if home.history.isEmpty { keeping[home.id] = home }
        let (dropped, growth) = home.history.append(frame, home.limits)
        keptBytes += growth
        if keptBytes > preparedBytes { prepareToKeep() }
        core.counters.add(.historyEvents, 1 &- UInt64(dropped))
        core.counters.add(.historyBytes, UInt64(bitPattern: Int64(growth)))
        if dropped > 0, !home.isStored { core.counters.add(.historyDropped, label: 0, UInt64(dropped)) }
        if keptBytes > room { makeRoom() }
    }

    /// Histories grow by an event at a time. Below the size from which malloc asks the system for each piece by itself (128 KiB).
    private static let piece = 98_304

    private func prepareToKeep() {
        ProcessResources.prepareToAllocate(Self.piece)
        preparedBytes = keptBytes + Self.piece
    }

    /// Drops the history's oldest as long as it is asked to.
    func drop(from home: HomeSession, reason: Int, while condition: (SessionHistory) -> Bool) {
        let (events, bytes) = (home.history.count, home.history.bytes)
        while !home.history.isEmpty, condition(home.history) { home.history.dropOldest() }
        guard home.history.count < events else { return }
        home.history.giveBackRoom()
        if home.history.isEmpty { keeping[home.id] = nil }
        tellWhatIsKept(of: home)
        keptBytes -= bytes - home.history.bytes
        core.counters.subtract(.historyEvents, UInt64(events - home.history.count))
        core.counters.subtract(.historyBytes, UInt64(bytes - home.history.bytes))
        if !home.isStored { core.counters.add(.historyDropped, label: reason, UInt64(events - home.history.count)) }
    }

    /// Workers with connections of it count what their queues hold beside the history. Batches say it as well.
    private func tellWhatIsKept(of home: HomeSession) {
        for (worker, members) in home.members.enumerated() where members.total > 0 {
            if worker == core.index {
                core.fanOut.note(home.id, home.incarnation, keptFrom: home.history.keptFrom)
            } else {
                core.post(.historyBegins(home.id, incarnation: home.incarnation, at: home.history.keptFrom), to: worker)
            }
        }
    }

    func dropOld(of home: HomeSession, now: UInt64) {
        drop(from: home, reason: 1) { now &- ($0.oldestPublishedAt ?? now) > home.limits.retention }
    }

    /// What limits that were lowered do not keep, at once.
    func dropOverLimits(of home: HomeSession) {
        let limits = home.limits
        drop(from: home, reason: 0) { $0.count > limits.eventsMax || $0.bytes > limits.bytesMax && $0.count > 1 }
        dropOld(of: home, now: Clocks.monotonicNanoseconds)
    }

    /// From now on all histories together have this much room.
    func makeRoom(_ bytes: Int) {
        room = bytes
        makeRoom()
    }

    /// All histories together are over their room: the session that was idle for longest gives its oldest events, then the next.
    private func makeRoom() {
        while keptBytes > room {
            if idlest.isEmpty {
                // Sorted once for many: a session that was used meanwhile is passed over. Of those used in the same millisecond, older events go first.
                idlest = keeping.values.map { ($0, $0.lastUsed) }.sorted {
                    ($0.1, $0.0.history.oldestPublishedAt ?? 0) > ($1.1, $1.0.history.oldestPublishedAt ?? 0)
                }
            }
            guard let (home, usedAt) = idlest.last else { return }
            if home.lastUsed == usedAt {
                let (excess, before) = (keptBytes - room, home.history.bytes)
                drop(from: home, reason: 2) { before - $0.bytes < excess }
                guard home.history.isEmpty else { continue }
            }
            idlest.removeLast()
        }
    }
}

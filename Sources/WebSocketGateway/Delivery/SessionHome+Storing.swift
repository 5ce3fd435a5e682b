internal import EventLoop
internal import Sessions

/// Where the homes meet the store (docs/decisions/0012).
extension SessionHome {
    // MARK: What it remembers

    /// Before any connection: a session as the store remembers it. However many there are: one that is in the store and not known here would begin anew
    /// with its first publish, and contradict what the store has.
    func restore(_ stored: StoredSession) {
        let home = create(stored.id)
        home.register(stored.registration.flatMap(SessionRegistration.init(stored:)), gatewayLimits: core.plan.history)
        guard let epoch = stored.epoch else { return }
        home.newEpoch = epoch
        home.storedOldest = stored.range.oldest
        if stored.range.newest > 0 { home.stream = SessionStream(lastID: EventID(epoch: epoch, sequence: stored.range.newest)) }
        home.assigned = home.stream
        for key in stored.keys { home.keys.restore(key, epoch: epoch) }
    }

    // MARK: Writing

    func beginStream(of home: HomeSession) {
        let epoch = Epoch.random(using: &random)
        home.newEpoch = epoch
        home.storedOldest = 1
        storing.changes.append(.begin(home.id, epoch))
    }

    func store(_ events: [StoredEvent], _ key: PublishKey?, in home: HomeSession, _ receipt: Receipt) {
        storing.changes.append(.append(home.id, events))
        if let key, let first = events.first {
            let stored = StoredKey(
                key: key.text, digest: key.digest, firstSequence: first.sequence, count: events.count, publishedAt: first.publishedAt)
            storing.changes.append(.key(home.id, stored))
            if key.isOfBroadcast, let epoch = home.assigned.lastID?.epoch { home.keys.restore(stored, epoch: epoch) }
        }
        for event in events { storing.bytes += event.event.dataRange.count + 64 }
        guard storing.durability == .relaxed, storing.isFull else { return }
        receipt.outstanding += 1
        storing.waiting.append(.receipt(receipt))
    }

    /// Until the store has them.
    func hold(_ frames: [Frame], in home: HomeSession, _ receipt: Receipt) {
        receipt.outstanding += 1
        storing.waiting.append(.release(frames, home, receipt))
    }

    /// A broadcast that every session has committed. Calls back when that is committed as well; if it cannot be, the sessions remember it all the same.
    func store(broadcast key: StoredKey, _ call: @escaping @Sendable () -> Void) {
        storing.changes.append(.broadcast(key))
        whenStored { _ in call() }
    }

    /// Calls back when everything that was changed before is committed, or is not.
    func whenStored(_ call: @escaping @Sendable (StoreError?) -> Void) {
        guard storing.isStoring else { return call(nil) }
        storing.waiting.append(.call(call))
    }

    func postTicket() {
        guard storing.hasUnposted else { return }
        let ticket = storing.takeTicket(worker: core.index)
        core.counters.add(.storeQueue, UInt64(ticket.bytes))
        if !core.board.storeMailbox.post(.commit(ticket)) { failTickets(.stopped) }
    }

    func stored(_ number: UInt64, attempt: UInt64, _ error: StoreError?) {
        if let error {
            guard attempt == storing.attempt else { return }
            return failTickets(.store(error))
        }
        guard let posted = storing.takeAnswered(number, attempt: attempt) else { return }
        core.counters.subtract(.storeQueue, UInt64(posted.bytes))
        for waiting in posted.waiting {
            switch waiting {
            case .release(let frames, let home, let receipt):
                // Ended meanwhile: the events are gone with it, and so says the count of nobody.
                if sessions[home.id] === home { release(frames, in: home, receipt) }
                answerEarly(receipt)
                settle(receipt)
            case .receipt(let receipt): settle(receipt)
            case .call(let call): call(nil)
            }
        }
    }

    enum TicketFailure {
        case store(StoreError)
        case stopped
    }

    /// What was given to the store is not there, or nobody knows: the ids that nobody saw are given again, and whoever waits is told.
    func failTickets(_ failure: TicketFailure) {
        core.counters.subtract(.storeQueue, UInt64(storing.postedBytes))
        let refusal: PublishRefusal
        let storeError: StoreError
        switch failure {
        case .store(.full(let reason)): (refusal, storeError) = (.storeFull(reason), .full(reason))
        case .store(.failed(let reason)): (refusal, storeError) = (.storeFailed(reason), .failed(reason))
        case .stopped:
            // Given to the store, and not waited for.
            (refusal, storeError) = (.storeFailed("the gateway stopped before the commit"), .failed("the gateway has stopped"))
        }
        let all = storing.takeFailed()
        if storing.durability == .relaxed { storing.abandon() } else if case .failed = storeError { storing.refusal = refusal }
        // What only the store has cannot be had any more: who asks for it is told that it is lost.
        if storing.isAbandoned || storing.refusal != nil { for home in sessions.values { home.storedOldest = nil } }
        for waiting in all {
            switch waiting {
            case .release(_, let home, let receipt):
                home.assigned.reach(home.stream.lastID)
                if case (let key, nil)? = receipt.key { home.keys.forget(key) }
                (receipt.firstID, receipt.lastID) = (nil, nil)
                receipt.refusal = refusal
                settle(receipt)
            case .receipt(let receipt): settle(receipt)
            case .call(let call): call(storeError)
            }
        }
    }

    // MARK: Reading

    /// What follows `sequence` begins before the ring.
    func isInStore(_ sequence: UInt64, of home: HomeSession) -> Bool {
        guard let oldest = home.storedOldest, !storing.isAbandoned else { return false }
        return max(sequence + 1, oldest) + UInt64(home.history.count) <= home.stream.lastSequence
    }

    func askStore(_ request: HistoryRequest) {
        if !core.board.storeMailbox.post(.readPage(request, homeWorker: core.index)) {
            storedPage(request, .failure(.failed("the store has ended")))
        }
    }

    /// The store's answer on its way to the connection that asked. Flushed first: who is given the head misses nothing.
    func storedPage(_ request: HistoryRequest, _ events: Result<[StoredEvent], StoreError>) {
        guard let home = sessions[request.session], home.incarnation == request.incarnation else { return }
        flush(home)
        guard let head = home.stream.lastID else { return }
        let events = (try? events.get()) ?? []
        // Nothing there that should be: the ring says what is lost.
        let page =
            HistoryPage(events, after: request.after, head: head, bytesMax: request.bytesMax, home.policies)
            ?? home.history.page(after: min(request.after, head.sequence), head: head, bytesMax: request.bytesMax)
        send(page, request)
    }

    /// The engine's page, from what the store read.
    func answer(_ id: SessionID, _ events: [StoredEvent], after sequence: UInt64, _ resume: ResumeAnswer?) -> SessionHistoryAnswer? {
        guard let home = sessions[id] else { return nil }
        let page = home.stream.lastID.flatMap { HistoryPage(events, after: sequence, head: $0, bytesMax: .max, home.policies) }
        return answer(page, resume, of: home)
    }

    /// `reason` is the label of `wsg_history_dropped_total`.
    func storeDropped(_ range: StoredRange, reason: Int) {
        guard let home = sessions[range.session], let oldest = home.storedOldest, range.oldest > oldest else { return }
        // A session that began anew meanwhile has sequences of its own.
        guard range.newest <= home.assigned.lastSequence else { return }
        core.counters.add(.historyDropped, label: reason, range.oldest - oldest)
        home.storedOldest = range.oldest
    }

    // MARK: Publishes that must not be done twice

    /// True when the publish is to be done now.
    func begin(_ key: PublishKey, of request: PublishRequest, in home: HomeSession, _ receipt: Receipt) -> Bool {
        switch home.keys.find(key, request.reply, now: Clocks.wallMicroseconds) {
        case .new:
            receipt.key = (key, home)
            return true
        case .done(let first):
            core.counters.add(.publishesRepeated)
            core.answer(request.reply, .success(first))
        case .waits: core.counters.add(.publishesRepeated)
        case .otherBody: core.answer(request.reply, .failure(.keyReused))
        }
        return false
    }

    /// A publish with a key is done, or nothing of it is.
    func end(_ receipt: Receipt) {
        guard case (let key, let home?)? = receipt.key else { return }
        let result = receipt.receipt
        for reply in home.keys.settle(key, result) {
            if let result { core.answer(reply, .success(result)) } else { core.answer(reply, .failure(receipt.refusal ?? .gatewayStopped)) }
        }
    }

    func expireKeys() {
        let now = Clocks.wallMicroseconds
        core.board.broadcastKeys.expire(now: now)
        for home in sessions.values where home.keys.count > 0 { home.keys.expire(now: now) }
    }
}

/// What a page of the history is for an engine.
enum SessionRead: Sendable {
    case answer(SessionHistoryAnswer)
    /// It is read from the store first.
    case inStore(after: UInt64, ResumeAnswer?)
}

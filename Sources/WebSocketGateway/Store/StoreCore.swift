internal import EventLoop
internal import Sessions

/// The store's thread: makes one transaction of all tickets that wait, and answers each one's worker. Not Sendable, and touched on its loop's thread only.
///
/// Flow: SessionHome → StoreTicket → **StoreCore** → HistoryStore, and back as `Mail.stored`
final class StoreCore {
    private let board: Switchboard
    private let store: any HistoryStore
    private let counters: Counters
    let loop: EventLoop
    private var expiryTimer: LoopTimer!
    /// For each worker, the attempt whose tickets fail.
    private var failedAttempts: [UInt64?]
    /// Why, once nothing may be written any more.
    private var failure: StoreError?
    /// Under `relaxed`: events that were delivered are not in the store.
    private var hasGap = false
    private var isStopped = false

    /// What one transaction holds, in bytes of events: a reader's page does not wait for much more.
    private static let transactionBytesMax = 16 << 20
    private static let expiryInterval: UInt64 = 60_000
    /// Between two pieces of what takes long: commits go in between.
    private static let droppingInterval: UInt64 = 20

    init(_ board: Switchboard, _ store: any HistoryStore) throws(SystemError) {
        self.board = board
        self.store = store
        counters = board.storeCounters
        failedAttempts = Array(repeating: nil, count: board.mailboxes.count)
        loop = try EventLoop()
        try board.storeMailbox.open(on: loop) { [unowned self] batch in self.receive(batch) }
        expiryTimer = LoopTimer(loop) { [unowned self] in self.expire() }
        expiryTimer.start(delay: Self.expiryInterval)
        counters.add(.storeUp)
        noteBytes()
    }

    /// What the store has. After an unclean end under `relaxed` clients may have seen events that are not there: their ids must never be given to others,
    /// so each session goes on in an epoch of its own.
    static func remember(_ store: any HistoryStore) throws(StoreError) -> StoredState {
        let state = try store.load()
        guard state.mayHaveLostEvents else { return state }
        var random = SystemRandomNumberGenerator()
        let sessions = state.sessions.map { session in
            StoredSession(
                id: session.id, epoch: session.epoch.map { _ in Epoch.random(using: &random) }, range: session.range,
                registration: session.registration, keys: session.keys)
        }
        _ = try store.commit(sessions.compactMap { session in session.epoch.map { .begin(session.id, $0) } })
        return StoredState(
            sessions: sessions, wasClosed: state.wasClosed, mayHaveLostEvents: false, broadcastKeys: state.broadcastKeys)
    }

    func run() { loop.run() }

    private func receive(_ batch: [StoreMail]) {
        var waiting: [StoreTicket] = []
        var bytes = 0
        for mail in batch {
            if case .commit(let ticket) = mail {
                waiting.append(ticket)
                bytes += ticket.bytes
                if bytes < Self.transactionBytesMax { continue }
            }
            if !waiting.isEmpty { commit(waiting) }
            (waiting, bytes) = ([], 0)
            switch mail {
            case .commit: break
            case .readPage(let request, let home):
                let events = read(
                    request.session, after: request.after, eventsMax: request.bytesMax / Frame.bytesLeast + 1, bytesMax: request.bytesMax)
                board.mailboxes[home].post(.storedPage(request, events))
            case .read(let session, let after, let eventsMax, let bytesMax, let answer):
                answer(read(session, after: after, eventsMax: eventsMax, bytesMax: bytesMax))
            case .stop: stop()
            }
        }
        if !waiting.isEmpty { commit(waiting) }
        if store.hasMoreToDrop, !isStopped { expiryTimer.start(delay: Self.droppingInterval) }
    }

    // MARK: Writing

    private func commit(_ tickets: [StoreTicket]) {
        var sound: [StoreTicket] = []
        for ticket in tickets {
            if let failure {
                answer(ticket, failure)
            } else if failedAttempts[ticket.worker] == ticket.attempt {
                answer(ticket, .full("an earlier write of this worker found no room"))
            } else {
                sound.append(ticket)
            }
        }
        guard !sound.isEmpty else { return }
        let began = Clocks.monotonicNanoseconds
        do throws(StoreError) {
            let dropped = try store.commit(sound.flatMap(\.changes))
            counters.observe(.storeCommit, nanoseconds: Clocks.monotonicNanoseconds &- began)
            noteBytes()
            // Who lowers a limit sees it obeyed with the answer: one piece of it, and nearly always there is no other.
            if store.hasMoreToDrop, sound.contains(where: \.registers) { expire() }
            for ticket in sound { answer(ticket, nil) }
            tell(dropped, reason: 0)
        } catch {
            note(error)
            hasGap = board.startPlan.durability == .relaxed
            for ticket in sound {
                failedAttempts[ticket.worker] = ticket.attempt
                answer(ticket, error)
            }
        }
    }

    private func answer(_ ticket: StoreTicket, _ error: StoreError?) {
        board.mailboxes[ticket.worker].post(.stored(ticket: ticket.number, attempt: ticket.attempt, error))
    }

    private func note(_ error: StoreError) {
        switch error {
        case .full: counters.add(.storeFailures, label: 0)
        case .failed: fail(error)
        }
        board.log.storeFailed(error)
    }

    private func fail(_ error: StoreError) {
        counters.add(.storeFailures, label: 1)
        guard failure == nil else { return }
        failure = error
        counters.subtract(.storeUp)
    }

    private func tell(_ dropped: [StoredRange], reason: Int) {
        for range in dropped { board.mailboxes[board.home(of: range.session)].post(.storeDropped(range, reason: reason)) }
    }

    private func noteBytes() {
        counters.add(.storeBytes, UInt64(bitPattern: Int64(store.bytes)) &- counters.value(.storeBytes))
    }

    // MARK: Reading

    private func read(_ session: SessionID, after: UInt64, eventsMax: Int, bytesMax: Int) -> Result<[StoredEvent], StoreError> {
        if let failure { return .failure(failure) }
        do throws(StoreError) {
            return .success(try store.read(session, after: after, eventsMax: eventsMax, bytesMax: bytesMax))
        } catch {
            note(error)
            return .failure(error)
        }
    }

    // MARK: Time

    private func expire() {
        guard failure == nil else { return }
        defer { expiryTimer.start(delay: store.hasMoreToDrop && failure == nil ? Self.droppingInterval : Self.expiryInterval) }
        let now = Clocks.wallMicroseconds
        do throws(StoreError) {
            tell(
                try store.expire(
                    now: Timestamp(microsecondsSince1970: now),
                    eventsBefore: Timestamp(microsecondsSince1970: now - Int64(board.startPlan.history.retention / 1000)),
                    keysBefore: Timestamp(microsecondsSince1970: now - PublishKeys.lifetimeMicroseconds)), reason: 1)
            tell(try store.trim(), reason: 0)
            noteBytes()
        } catch {
            note(error)
        }
    }

    private func stop() {
        guard !isStopped else { return }
        isStopped = true
        expiryTimer.close()
        _ = board.storeMailbox.close()
        store.close(clean: failure == nil && !hasGap)
    }
}

internal import EventLoop
internal import Sessions

/// One broadcast to all on its way: every worker publishes it to the sessions that call it home, and here their counts become one answer.
///
/// Flow: EngineRoutes → **Broadcast** → SessionHome of every worker → and back
final class Broadcast: Sendable {
    private let board: Switchboard
    private let reply: BroadcastKeys.Reply
    private let key: PublishKey?
    /// Wall clock, microseconds.
    private let beganAt: Int64
    private let gathered: Locked<(waitingFor: Int, total: BroadcastReceipt)>

    /// Calls `reply` once: with the first answer where the request's key is that of an earlier one.
    static func start(_ request: PublishRequest, on board: Switchboard, _ reply: @escaping BroadcastKeys.Reply) {
        let broadcast = Broadcast(board, request.key, reply)
        guard let key = request.key else { return broadcast.publish(request) }
        switch board.broadcastKeys.find(key, reply, now: broadcast.beganAt) {
        case .begins(let isUnfinished):
            var request = request
            request.isUnfinished = isUnfinished
            broadcast.publish(request)
        case .done(let first):
            broadcast.countRepeat()
            reply(first)
        case .waits: broadcast.countRepeat()
        case .otherBody: reply(.refused(.keyReused))
        }
    }

    private init(_ board: Switchboard, _ key: PublishKey?, _ reply: @escaping BroadcastKeys.Reply) {
        self.board = board
        self.key = key
        self.reply = reply
        beganAt = Clocks.wallMicroseconds
        gathered = Locked((board.mailboxes.count, .nothing))
    }

    private func publish(_ request: PublishRequest) {
        var request = request
        request.reply = .broadcastCall { self.add($0) }
        for mailbox in board.mailboxes where !mailbox.post(.publishToAll(request)) { add(.refused(.gatewayStopped)) }
    }

    private func add(_ part: BroadcastReceipt) {
        let total: BroadcastReceipt? = gathered.withLock { gathered in
            gathered.total += part
            gathered.waitingFor -= 1
            return gathered.waitingFor == 0 ? gathered.total : nil
        }
        if let total { remember(total) }
    }

    /// Every session has it: so does the store, before anybody is told. Under `relaxed` some may lose it yet, and the store is not told that all have it.
    private func remember(_ total: BroadcastReceipt) {
        guard let key, total.refusal == nil, board.startPlan.durability == .commit else { return answer(total) }
        let stored = StoredKey(
            key: key.text, digest: key.digest, firstSequence: 0, count: total.sessions,
            publishedAt: Timestamp(microsecondsSince1970: beganAt))
        let posted = board.mailboxes[0].post(
            .call { core in
                if let core { core.home.store(broadcast: stored) { self.answer(total) } } else { self.answer(total) }
            })
        if !posted { answer(total) }
    }

    private func answer(_ total: BroadcastReceipt) {
        let waiting = key.map { board.broadcastKeys.settle($0, total) } ?? []
        reply(total)
        for reply in waiting { reply(total) }
    }

    /// A worker's counters are its own.
    private func countRepeat() { board.mailboxes[0].post(.call { $0?.counters.add(.publishesRepeated) }) }
}

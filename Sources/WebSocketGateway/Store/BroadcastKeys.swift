internal import EventLoop
internal import Sessions

/// The keys of broadcasts to all, over all workers: the one place where they are judged (docs/decisions/0017).
///
/// Beside it every session has the key of what is in its stream. A key that is there and not done here was cut off in the middle.
final class BroadcastKeys: Sendable {
    typealias Reply = @Sendable (BroadcastReceipt) -> Void

    enum Found {
        /// To be done now. `isUnfinished`: some sessions have it already.
        case begins(isUnfinished: Bool)
        case done(BroadcastReceipt)
        /// The reply waits with the first.
        case waits
        case otherBody
    }

    /// An unfinished one is kept with what refused the rest of it.
    private let table = Locked(KeyTable<BroadcastReceipt, Reply>())

    func find(_ key: PublishKey, _ reply: @escaping Reply, now: Int64) -> Found {
        table.withLock { table in
            // To the microsecond: the sessions forget theirs later, and to them as well it must be a new one then.
            table.expire(now: now)
            switch table.find(key, reply, now: now) {
            case .new: return .begins(isUnfinished: false)
            case .done(let receipt) where receipt.refusal == nil: return .done(receipt)
            case .done:
                table.reopen(key)
                return .begins(isUnfinished: true)
            case .waits: return .waits
            case .otherBody: return .otherBody
            }
        }
    }

    /// It is done, or unfinished, or nothing of it was. Returns who waits for the same answer.
    func settle(_ key: PublishKey, _ receipt: BroadcastReceipt) -> [Reply] {
        table.withLock { $0.settle(key, receipt.isNothing ? nil : receipt) }
    }

    func expire(now: Int64) { table.withLock { $0.expire(now: now) } }

    /// What the store remembers, before any broadcast.
    func restore(_ state: StoredState) {
        var done: Set<String> = []
        var keys = state.broadcastKeys.map { key in
            done.insert(key.key)
            return (key: key, receipt: BroadcastReceipt(sessions: key.count, connections: 0, sent: 0, queued: 0))
        }
        // From the first session that had it on: none has forgotten it before this does.
        var unfinished: [String: StoredKey] = [:]
        for key in state.sessions.lazy.flatMap(\.keys) where PublishKey.isOfBroadcast(key.key) && !done.contains(key.key) {
            if unfinished[key.key].map({ key.publishedAt < $0.publishedAt }) ?? true { unfinished[key.key] = key }
        }
        keys += unfinished.values.map { ($0, BroadcastReceipt.refused(.gatewayStopped)) }
        keys.sort { $0.key.publishedAt < $1.key.publishedAt }
        table.withLock { table in for (key, receipt) in keys { table.add(key, receipt) } }
    }
}

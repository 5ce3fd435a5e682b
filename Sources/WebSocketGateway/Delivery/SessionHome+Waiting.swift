internal import EventLoop
internal import Sessions

/// Engines that run faster than browsers read may ask to be held back (`?wait=`): the answer then waits while a connection of the session is behind. The
/// engine is thereby ahead of the slowest by no more than a write queue.
extension SessionHome {
    /// True when the publish's answer waits.
    func waits(_ receipt: Receipt) -> Bool {
        guard let (milliseconds, home) = receipt.wait, receipt.refusal == nil, !home.behindOn.isEmpty else { return false }
        // Of a session that ended before the last counts came nobody tells any more who has caught up.
        guard sessions[home.id] === home else { return false }
        home.waits.append((receipt, core.now + milliseconds))
        waiting[home.id] = home
        scheduleWaits()
        return true
    }

    func note(_ id: SessionID, _ incarnation: UInt64, _ worker: Int, hasBehind: Bool) {
        guard let home = sessions[id], home.incarnation == incarnation else { return }
        if hasBehind { home.behindOn.insert(worker) } else { home.behindOn.remove(worker) }
        if home.behindOn.isEmpty, !home.waits.isEmpty { endWaits(of: home, now: .max) }
    }

    /// The session is over, or everybody has caught up, or waited long enough.
    func endWaits(of home: HomeSession, now: UInt64) {
        guard !home.waits.isEmpty else { return }
        let ended = home.waits.filter { $0.until <= now }
        home.waits.removeAll { $0.until <= now }
        if home.waits.isEmpty { waiting[home.id] = nil }
        for wait in ended { core.complete(wait.receipt) }
    }

    func endWaits(now: UInt64) {
        for home in Array(waiting.values) { endWaits(of: home, now: now) }
        if now < .max { scheduleWaits() }
    }

    private func scheduleWaits() {
        let next = waiting.values.reduce(UInt64.max) { $1.waits.reduce($0) { min($0, $1.until) } }
        guard next < .max else { return }
        core.waitTimer.start(delay: next > core.now ? next - core.now : 1)
    }
}

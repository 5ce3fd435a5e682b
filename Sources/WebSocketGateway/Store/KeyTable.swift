internal import Sessions

/// The keys of what must not be done twice: which are being done, and what those that were done answered.
///
/// Times are wall clock, in microseconds.
struct KeyTable<Answer, Waiter> {
    private enum State {
        /// Others that asked meanwhile get the same answer.
        case inFlight(waiting: [Waiter])
        case done(Answer)
    }

    private struct Entry {
        let digest: UInt64
        var state: State
        let at: Int64
    }

    enum Found {
        /// Nobody used it: now it is in flight.
        case new
        case done(Answer)
        /// The one who asks waits with the first.
        case waits
        case otherBody
    }

    static var lifetimeMicroseconds: Int64 { 300_000_000 }
    static var countMax: Int { StoredKey.countMax }

    private var entries: [String: Entry] = [:]
    /// The keys by age, for forgetting.
    private var order: ArraySlice<(key: String, at: Int64)> = []

    var count: Int { entries.count }

    /// Whether it is in flight or done.
    func knows(_ key: PublishKey) -> Bool { entries[key.text] != nil }

    mutating func find(_ key: PublishKey, _ waiter: Waiter, now: Int64) -> Found {
        guard var entry = entries[key.text] else {
            insert(key.text, Entry(digest: key.digest, state: .inFlight(waiting: []), at: now))
            return .new
        }
        guard entry.digest == key.digest else { return .otherBody }
        switch entry.state {
        case .done(let answer): return .done(answer)
        case .inFlight(let waiting):
            entry.state = .inFlight(waiting: waiting + [waiter])
            entries[key.text] = entry
            return .waits
        }
    }

    /// It is done, or nothing of it was. Returns who waits for the same answer.
    mutating func settle(_ key: PublishKey, _ answer: Answer?) -> [Waiter] {
        guard let entry = entries[key.text], case .inFlight(let waiting) = entry.state else { return [] }
        if let answer {
            entries[key.text]?.state = .done(answer)
        } else {
            entries[key.text] = nil
        }
        return waiting
    }

    /// What was thought done is in flight once more.
    mutating func reopen(_ key: PublishKey) { entries[key.text]?.state = .inFlight(waiting: []) }

    /// Done before, here or by a gateway that has ended. Oldest first.
    mutating func add(_ key: StoredKey, _ answer: Answer) {
        insert(key.key, Entry(digest: key.digest, state: .done(answer), at: key.publishedAt.microsecondsSince1970))
    }

    mutating func forget(_ key: PublishKey) { entries[key.text] = nil }

    private mutating func insert(_ key: String, _ entry: Entry) {
        entries[key] = entry
        order.append((key, entry.at))
        if entries.count > Self.countMax { forgetOldest() }
    }

    private mutating func forgetOldest() {
        while let (key, at) = order.first {
            guard let entry = entries[key], entry.at == at else {
                // Refused then, and used again since.
                order.removeFirst()
                continue
            }
            if case .inFlight = entry.state { return }
            order.removeFirst()
            entries[key] = nil
            return
        }
    }

    /// Forgets what is older than the lifetime.
    mutating func expire(now: Int64) {
        while let (key, at) = order.first {
            if let entry = entries[key], entry.at == at {
                guard now - entry.at > Self.lifetimeMicroseconds else { break }
                // Still in flight: its answer is owed.
                guard case .done = entry.state else { break }
                entries[key] = nil
            }
            order.removeFirst()
        }
        if order.isEmpty { order = [] }
    }
}

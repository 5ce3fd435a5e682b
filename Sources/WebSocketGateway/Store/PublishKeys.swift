internal import EventLoop
internal import Sessions

/// A publish's `Idempotency-Key`, and what its body was.
struct PublishKey: Sendable, Equatable {
    let text: String
    let digest: UInt64

    /// RFC 9110 field values allow more; a key is an identifier, and these print everywhere.
    static let bytesMax = 255
    static func allows(_ byte: UInt8) -> Bool { (0x21...0x7e).contains(byte) }

    init(text: String, body: [UInt8], isBatch: Bool) {
        self.text = text
        // FNV-1a: an engine that reuses a key by mistake is told, and nobody else can.
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in body { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        digest = isBatch ? hash ^ 1 : hash
    }
}

/// The keys of one session's publishes: which are being done, and what those that were done answered.
struct PublishKeys {
    enum State {
        /// Others that asked meanwhile get the same answer.
        case inFlight(waiting: [ReplyTo])
        case done(PublishReceipt)
    }

    private struct Entry {
        let digest: UInt64
        var state: State
        /// Wall clock, microseconds.
        let at: Int64
    }

    enum Found {
        /// Nobody used it: now it is in flight.
        case new
        case done(PublishReceipt)
        /// The reply waits with the first.
        case waits
        case otherBody
    }

    static let lifetimeMicroseconds: Int64 = 300_000_000
    static let countMax = StoredKey.countMax

    private var entries: [String: Entry] = [:]
    /// The keys by age, for forgetting.
    private var order: ArraySlice<(key: String, at: Int64)> = []

    var count: Int { entries.count }

    mutating func find(_ key: PublishKey, _ reply: ReplyTo, now: Int64) -> Found {
        guard var entry = entries[key.text] else {
            entries[key.text] = Entry(digest: key.digest, state: .inFlight(waiting: []), at: now)
            order.append((key.text, now))
            if entries.count > Self.countMax { forgetOldest() }
            return .new
        }
        guard entry.digest == key.digest else { return .otherBody }
        switch entry.state {
        case .done(let receipt): return .done(receipt)
        case .inFlight(let waiting):
            entry.state = .inFlight(waiting: waiting + [reply])
            entries[key.text] = entry
            return .waits
        }
    }

    /// The publish is done, or nothing of it was. Returns who waits for the same answer.
    mutating func settle(_ key: PublishKey, _ receipt: PublishReceipt?) -> [ReplyTo] {
        guard let entry = entries[key.text], case .inFlight(let waiting) = entry.state else { return [] }
        if let receipt {
            entries[key.text]?.state = .done(receipt)
        } else {
            entries[key.text] = nil
        }
        return waiting
    }

    /// Oldest first.
    mutating func restore(_ key: StoredKey, epoch: Epoch) {
        let receipt = PublishReceipt(
            firstID: EventID(epoch: epoch, sequence: key.firstSequence),
            lastID: EventID(epoch: epoch, sequence: key.firstSequence + UInt64(max(1, key.count)) - 1), count: key.count, connections: 0,
            sent: 0,
            queued: 0, conflated: 0, dropped: 0)
        entries[key.key] = Entry(digest: key.digest, state: .done(receipt), at: key.publishedAt.microsecondsSince1970)
        order.append((key.key, key.publishedAt.microsecondsSince1970))
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

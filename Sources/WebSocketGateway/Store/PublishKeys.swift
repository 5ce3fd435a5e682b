internal import EventLoop
internal import Sessions

/// A publish's `Idempotency-Key`, and what its body was.
struct PublishKey: Sendable, Equatable {
    /// A broadcast's begins with a space, which no key on the wire has: in a session it stands beside those of the session's own publishes.
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

    init(ofBroadcast text: String, body: [UInt8]) { self.init(text: " \(text)", body: body, isBatch: false) }

    var isOfBroadcast: Bool { Self.isOfBroadcast(text) }
    static func isOfBroadcast(_ text: String) -> Bool { text.utf8.first == UInt8(ascii: " ") }
}

/// The keys of one session's publishes.
typealias PublishKeys = KeyTable<PublishReceipt, ReplyTo>

extension PublishKeys {
    /// As it was stored: an answer without counts. Oldest first.
    mutating func restore(_ key: StoredKey, epoch: Epoch) {
        add(
            key,
            PublishReceipt(
                firstID: EventID(epoch: epoch, sequence: key.firstSequence),
                lastID: EventID(epoch: epoch, sequence: key.firstSequence + UInt64(max(1, key.count)) - 1), count: key.count,
                connections: 0, sent: 0, queued: 0, conflated: 0, dropped: 0))
    }
}

import EventLoop
import Sessions
import Testing

@testable import WebSocketGateway

@Suite("Broadcasts that must not be done twice")
struct BroadcastKeysTests {
    private let keys = BroadcastKeys()
    private let key = PublishKey(ofBroadcast: "k", body: [1, 2])
    private let lifetime = PublishKeys.lifetimeMicroseconds

    private func find(_ key: PublishKey, now: Int64 = 0, _ answers: Locked<[BroadcastReceipt]> = Locked([])) -> String {
        switch keys.find(key, { receipt in answers.withLock { $0.append(receipt) } }, now: now) {
        case .begins(isUnfinished: false): "begins"
        case .begins(isUnfinished: true): "is finished"
        case .done(let receipt): "done in \(receipt.sessions)"
        case .waits: "waits"
        case .otherBody: "other body"
        }
    }

    private func receipt(_ sessions: Int, _ refusal: PublishRefusal? = nil) -> BroadcastReceipt {
        BroadcastReceipt(sessions: sessions, connections: 0, sent: 0, queued: 0, refusal: refusal)
    }

    private func settle(_ key: PublishKey, _ receipt: BroadcastReceipt) { for reply in keys.settle(key, receipt) { reply(receipt) } }

    @Test func `a broadcast begins once, others wait for its answer, and it is answered alike for five minutes`() {
        let answers = Locked<[BroadcastReceipt]>([])
        #expect(find(key) == "begins")
        #expect(find(key, answers) == "waits" && find(key, answers) == "waits")
        #expect(find(PublishKey(ofBroadcast: "k", body: [2])) == "other body")
        settle(key, receipt(7))
        #expect(answers.withLock { $0 } == [receipt(7), receipt(7)])
        #expect(find(key, now: lifetime) == "done in 7")
        #expect(find(PublishKey(ofBroadcast: "k", body: [2]), now: lifetime) == "other body")
        #expect(find(key, now: lifetime + 1) == "begins")
    }

    /// What became of the first, and what the second does.
    @Test(arguments: [
        (0, PublishRefusal.storeFull(""), "begins"), (0, .gatewayStopped, "begins"), (0, .storeFailed(""), "is finished"),
        (1, .storeFull(""), "is finished"), (3, .gatewayStopped, "is finished"), (0, nil, "done in 0"), (3, nil, "done in 3"),
    ])
    func `what was done in part is finished, and of what was not at all nothing is remembered`(
        sessions: Int, refusal: PublishRefusal?, second: String
    ) {
        #expect(find(key) == "begins")
        settle(key, receipt(sessions, refusal))
        if second != "begins" { #expect(find(PublishKey(ofBroadcast: "k", body: []), now: 1) == "other body") }
        #expect(find(key, now: 1) == second)
        guard refusal != nil else { return }
        #expect(find(key, now: 1) == "waits")
        settle(key, receipt(5))
        #expect(find(key, now: 1) == "done in 5")
    }

    @Test func `an unfinished one is remembered from its first try on, however often it is tried`() {
        #expect(find(key) == "begins")
        for _ in 0..<3 {
            settle(key, receipt(1, .storeFull("")))
            #expect(find(key, now: lifetime) == "is finished")
        }
        settle(key, receipt(1, .storeFull("")))
        #expect(find(key, now: lifetime + 1) == "begins")
    }

    @Test func `a session's key of the same text is another`() {
        let own = PublishKey(text: "k", body: [1, 2], isBatch: false)
        #expect(own.text != key.text && own.digest == key.digest)
        #expect(key.isOfBroadcast && !own.isOfBroadcast)
        #expect(!PublishKey.allows(key.text.utf8.first!), "none on the wire is like it")
    }

    @Test func `after a restart what all have is done, and what only sessions have is finished`() throws {
        let epoch = try Epoch(parsing: "0000000000000")
        func stored(_ key: String, _ at: Int64, count: Int = 1) -> StoredKey {
            StoredKey(
                key: key, digest: self.key.digest, firstSequence: 1, count: count, publishedAt: Timestamp(microsecondsSince1970: at))
        }
        func session(_ id: String, _ keys: [StoredKey]) throws -> StoredSession {
            let id = try SessionID(id)
            return StoredSession(
                id: id, epoch: epoch, range: StoredRange(session: id, oldest: 1, newest: 9), registration: nil, keys: keys)
        }
        let sessions = try [
            session("a", [stored("k", 1), stored(" done", 11), stored(" k", 30)]), session("b", [stored(" done", 12), stored(" k", 20)]),
        ]
        keys.restore(
            StoredState(sessions: sessions, wasClosed: false, mayHaveLostEvents: false, broadcastKeys: [stored(" done", 10, count: 2)]))
        let done = PublishKey(ofBroadcast: "done", body: [1, 2])
        #expect(find(done, now: 40) == "done in 2")
        #expect(find(PublishKey(ofBroadcast: "k", body: []), now: 40) == "other body")
        #expect(find(key, now: 40) == "is finished")
        settle(key, receipt(1, .storeFull("")))
        #expect(find(key, now: lifetime + 20) == "is finished")
        settle(key, receipt(1, .storeFull("")))
        #expect(find(key, now: lifetime + 21) == "begins", "a new one, to whoever has it longest")
    }
}

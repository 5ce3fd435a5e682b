import Sessions
import Testing

@testable import WebSocketGateway

@Suite("Publishes that must not be done twice")
struct PublishKeysTests {
    private var keys = PublishKeys()
    private let key = PublishKey(text: "k", body: [1, 2], isBatch: false)

    private func receipt(_ sequence: UInt64) throws -> PublishReceipt {
        let id = EventID(epoch: try Epoch(parsing: "0000000000000"), sequence: sequence)
        return PublishReceipt(firstID: id, lastID: id, count: 1, connections: 0, sent: 0, queued: 0, conflated: 0, dropped: 0)
    }

    private func text(_ found: PublishKeys.Found) -> String {
        switch found {
        case .new: "new"
        case .done(let receipt): "done \(receipt.firstID.sequence)"
        case .waits: "waits"
        case .otherBody: "other body"
        }
    }

    @Test mutating func `a key is new once, waits while in flight, and is answered alike for five minutes`() throws {
        #expect(text(keys.find(key, .nobody, now: 0)) == "new")
        #expect(text(keys.find(key, .nobody, now: 1)) == "waits")
        let waiting = keys.settle(key, try receipt(7))
        #expect(waiting.count == 1)
        #expect(text(keys.find(key, .nobody, now: 300_000_000)) == "done 7")
        keys.expire(now: 300_000_000)
        #expect(text(keys.find(key, .nobody, now: 300_000_001)) == "done 7")
        keys.expire(now: 300_000_001)
        #expect(text(keys.find(key, .nobody, now: 300_000_001)) == "new")
    }

    @Test mutating func `another body under the same key is refused`() throws {
        _ = keys.find(key, .nobody, now: 0)
        for other in [PublishKey(text: "k", body: [2, 1], isBatch: false), PublishKey(text: "k", body: [1, 2], isBatch: true)] {
            #expect(text(keys.find(other, .nobody, now: 1)) == "other body")
        }
    }

    @Test mutating func `nothing done is nothing remembered, and who waited is told`() {
        _ = keys.find(key, .nobody, now: 0)
        _ = keys.find(key, .nobody, now: 0)
        let waiting = keys.settle(key, nil)
        #expect(waiting.count == 1)
        #expect(text(keys.find(key, .nobody, now: 1)) == "new")
    }

    @Test mutating func `what is in flight is not forgotten, however old`() {
        _ = keys.find(key, .nobody, now: 0)
        keys.expire(now: 1_000_000_000)
        #expect(text(keys.find(key, .nobody, now: 1_000_000_000)) == "waits")
    }

    @Test mutating func `of too many the oldest are forgotten first`() throws {
        for number in 0...PublishKeys.countMax {
            let key = PublishKey(text: "\(number)", body: [], isBatch: false)
            _ = keys.find(key, .nobody, now: Int64(number))
            _ = keys.settle(key, try receipt(UInt64(number + 1)))
        }
        #expect(keys.count == PublishKeys.countMax)
        #expect(text(keys.find(PublishKey(text: "0", body: [], isBatch: false), .nobody, now: 1)) == "new")
        #expect(text(keys.find(PublishKey(text: "2", body: [], isBatch: false), .nobody, now: 1)) == "done 3")
    }

    @Test mutating func `a restored key answers with its ids`() throws {
        let stored = StoredKey(
            key: "k", digest: key.digest, firstSequence: 5, count: 3, publishedAt: Timestamp(microsecondsSince1970: 10))
        keys.restore(stored, epoch: try Epoch(parsing: "0000000000000"))
        guard case .done(let receipt) = keys.find(key, .nobody, now: 11) else { throw Missing() }
        #expect((receipt.firstID.sequence, receipt.lastID.sequence, receipt.count) == (5, 7, 3))
    }

    private struct Missing: Error {}
}

import Sessions
import Testing

@testable import WebSocketGateway

@Suite("A replay's place in a session")
struct ReplayTests {
    private let epoch = "16ja9qn78j68j"

    private func frame(_ sequence: UInt64, _ timestamp: String?, type: EventType = .candle) throws -> Frame {
        let body = Event(type: type, data: ["t": "\"timestamp\":\"2001-01-01T00:00:00Z\"}"], timestamp: timestamp).publishBody
        let event = try #require(try EventParser.parse(body.span, format: .json).events.first)
        let id = try EventID(parsing: "\(epoch)-\(sequence)")
        return Frame(event, of: body.span, id: id, timestamp: TimestampText(Timestamp(microsecondsSince1970: 7_000_000)), publishedAt: 0)
    }

    @Test(
        arguments: [
            (nil, 7_000_000), ("1970-01-01T00:00:01", 1_000_000), ("1970-01-01T00:00:01.5Z", 1_500_000),
            ("1970-01-01T01:00:00.123456789+01:00", 123_456), ("soon", nil), ("", nil), ("1970-01-01", nil),
            ("\"1970-01-01T00:00:01", 1_000_000),
            (String(repeating: "9", count: 1000), nil),
        ] as [(String?, Int64?)])
    func `an event's time is read where clients see it`(timestamp: String?, microseconds: Int64?) throws {
        #expect(try frame(1, timestamp).time?.microsecondsSince1970 == microseconds)
    }

    private func page(_ frames: [Frame], lost: ClosedRange<UInt64>? = nil, isHead: Bool = false) throws -> HistoryPage {
        let epoch = try EventID(parsing: "\(epoch)-1").epoch
        return HistoryPage(
            frames: frames, lost: lost.map { HistoryPage.Lost(epoch: epoch, first: $0.lowerBound, last: $0.upperBound) },
            last: frames.last?.id.sequence ?? 0, isHead: isHead)
    }

    private func replay(rereads: Bool) -> Replay { Replay(.times(thousandths: 1000), now: 10, rereads: rereads) }

    @Test func `events of a page come when they are due`() throws {
        let replay = replay(rereads: false)
        #expect(replay.readsAfter(4) == 4 && replay.nextDue == nil && !replay.hasMore)
        #expect(replay.take(try page([frame(5, "1970-01-01T00:00:01Z"), frame(6, "1970-01-01T00:00:03Z")]), after: 4, now: 10_000) == nil)
        #expect(replay.playNext(now: 10_000)?.id.sequence == 5)
        #expect(replay.playNext(now: 2_009_999) == nil && replay.nextDue == 2_010_000)
        #expect(replay.playNext(now: 2_010_000)?.id.sequence == 6)
        #expect(!replay.hasMore && !replay.isAtHead && replay.pageEnd == 6)
        #expect(replay.take(try page([], isHead: true), after: 6, now: 0) == nil)
        #expect(replay.isAtHead && !replay.isCompleted)
    }

    @Test func `who comes back reads the event again that it has, and is timed by it`() throws {
        let replay = replay(rereads: true)
        #expect(replay.readsAfter(5) == 4 && replay.readsAfter(0) == 0)
        _ = replay.take(
            try page([frame(5, "1970-01-01T00:00:01Z", type: .sessionCompleted), frame(6, "1970-01-01T00:00:03Z")]), after: 5, now: 10_000)
        #expect(replay.isCompleted && replay.nextDue == 2_010_000 && replay.readsAfter(6) == 6)
    }

    @Test func `at the head that event may be all there is`() throws {
        let replay = replay(rereads: true)
        _ = replay.take(try page([frame(5, nil, type: .sessionCompleted)], isHead: true), after: 5, now: 10_000)
        #expect(replay.isAtHead && replay.isCompleted && !replay.hasMore)
    }

    @Test(arguments: [(5...5, nil), (5...7, 6...7)] as [(ClosedRange<UInt64>, ClosedRange<UInt64>?)])
    func `that it is gone is no loss`(lost: ClosedRange<UInt64>, told: ClosedRange<UInt64>?) throws {
        let replay = replay(rereads: true)
        let answer = replay.take(try page([frame(lost.upperBound + 1, nil)], lost: lost), after: 5, now: 10_000)
        #expect(answer.map { $0.first...$0.last } == told)
        #expect(replay.nextDue == 10_000)
    }

    @Test func `a jump forgets what was in hand`() throws {
        let replay = replay(rereads: true)
        _ = replay.take(try page([frame(1, "1970-01-01T00:00:01Z"), frame(2, nil), frame(3, nil)], isHead: true), after: 0, now: 10_000)
        replay.jump(now: 20_000)
        #expect(!replay.hasMore && !replay.isAtHead && replay.pageEnd == 0 && replay.readsAfter(9) == 9)
        let frames = [try frame(7, "1970-01-01T00:00:09Z"), try frame(8, nil)]
        replay.jump(to: frames[1...], end: 8, now: 30_000)
        #expect(replay.playNext(now: 30_000)?.id.sequence == 8 && replay.pageEnd == 8)
    }
}

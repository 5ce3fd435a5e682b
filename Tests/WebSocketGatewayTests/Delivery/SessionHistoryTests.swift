import Sessions
import Testing

@testable import WebSocketGateway

@Suite("Session history")
struct SessionHistoryTests {
    private static let epoch = try! Epoch(parsing: "3w5e11264sgsf")

    private func id(_ sequence: UInt64) -> EventID { EventID(epoch: Self.epoch, sequence: sequence) }

    private func frame(_ sequence: UInt64, padding: Int = 0) throws -> Frame {
        let body = Array(#"{"type":"candle","data":{"p":"\#(String(repeating: "x", count: padding))"}}"#.utf8)
        let event = try EventParser.parse(body.span, format: .json, limits: EventLimits()).events[0]
        let timestamp = TimestampText(Timestamp(microsecondsSince1970: 0))
        return Frame(event, of: body.span, id: id(sequence), timestamp: timestamp, publishedAt: sequence)
    }

    private func history(_ count: UInt64, eventsMax: Int = 1000, bytesMax: Int = 1 << 30) throws -> SessionHistory {
        var history = SessionHistory()
        for sequence in stride(from: 1, through: count, by: 1) {
            _ = history.append(try frame(sequence), .init(eventsMax: eventsMax, bytesMax: bytesMax, retention: 0))
        }
        return history
    }

    private func sequences(_ page: HistoryPage) -> [UInt64] { page.frames.map(\.id.sequence) }

    @Test func `an empty history has nothing, owns nothing, and reaches to the head`() {
        let page = SessionHistory().page(after: 4, head: id(4), bytesMax: 100)
        #expect(page.frames.isEmpty && page.lost == nil && page.last == 4 && page.isHead)
        let behind = SessionHistory().page(after: 2, head: id(4), bytesMax: 100)
        #expect(behind.lost == .init(epoch: Self.epoch, first: 3, last: 4))
        #expect(behind.frames.isEmpty && behind.last == 4 && behind.isHead)
        #expect(SessionHistory().bytes == 0)
    }

    @Test func `the newest events are kept, as many as may be`() throws {
        let history = try history(25, eventsMax: 10)
        #expect(history.count == 10)
        #expect(history.oldestPublishedAt == 16)
        #expect(sequences(history.page(after: 15, head: id(25), bytesMax: 1 << 20)) == Array(16...25))
        #expect(try self.history(25, eventsMax: 0).count == 0)
    }

    @Test func `their bytes are bounded, and one event is kept whatever its size`() throws {
        let cost = try frame(1).bytes.count + SessionHistory.overheadBytes
        var history = try history(9, bytesMax: cost * 4)
        #expect(history.count == 4 && history.bytes <= cost * 4)
        #expect(history.append(try frame(10, padding: cost * 10), .init(eventsMax: 9, bytesMax: cost * 4, retention: 0)).dropped == 4)
        #expect(history.count == 1)
    }

    @Test func `a page ends at its bytes or its events, and holds one event at least`() throws {
        let history = try history(20)
        let bytes = try frame(1).bytes.count
        let page = history.page(after: 4, head: id(20), bytesMax: bytes * 3)
        #expect(sequences(page) == [5, 6, 7] && page.last == 7 && !page.isHead && page.lost == nil)
        #expect(sequences(history.page(after: 4, head: id(20), bytesMax: 1)) == [5])
        #expect(sequences(history.page(after: 4, head: id(20), eventsMax: 2, bytesMax: 1 << 20)) == [5, 6])
        let end = history.page(after: 19, head: id(20), bytesMax: 1 << 20)
        #expect(sequences(end) == [20] && end.isHead)
    }

    @Test func `what is kept no more is told, and the page begins behind it`() throws {
        let page = try history(25, eventsMax: 10).page(after: 3, head: id(25), bytesMax: 1 << 20)
        #expect(page.lost == .init(epoch: Self.epoch, first: 4, last: 15))
        #expect(sequences(page) == Array(16...25) && page.isHead)
    }

    /// Against an array that does the same plainly.
    @Test(arguments: 0..<40) func `it is what a list of the newest would be`(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let limits = SessionHistory.Limits(eventsMax: Int.random(in: 1...40, using: &generator), bytesMax: 8000, retention: 0)
        var (history, model, head) = (SessionHistory(), [Frame](), UInt64(0))
        for _ in 0..<400 {
            switch Int.random(in: 0..<10, using: &generator) {
            case 0:
                for _ in 0..<Int.random(in: 1...20, using: &generator) {
                    history.dropOldest()
                    if !model.isEmpty { model.removeFirst() }
                }
                history.giveBackRoom()
            case 1 where head > 0:
                let after = UInt64.random(in: 0...head, using: &generator)
                let page = history.page(after: after, head: id(head), bytesMax: Int.random(in: 1...4000, using: &generator))
                let oldest = head - UInt64(model.count) + 1
                let wanted = model.map(\.id.sequence).filter { $0 > after }
                #expect(Array(wanted.prefix(page.frames.count)) == sequences(page))
                #expect(page.frames.isEmpty == wanted.isEmpty)
                #expect(page.isHead == (page.frames.count == wanted.count) && page.last == (page.frames.last?.id.sequence ?? head))
                #expect(page.lost == (after + 1 < oldest ? .init(epoch: Self.epoch, first: after + 1, last: oldest - 1) : nil))
            default:
                head += 1
                let frame = try frame(head, padding: Int.random(in: 0...600, using: &generator))
                let (before, bytes) = (model.count, history.bytes)
                model.append(frame)
                let (dropped, growth) = history.append(frame, limits)
                #expect(growth == history.bytes - bytes)
                model.removeFirst(dropped)
                #expect(model.count == before + 1 - dropped && model.count <= limits.eventsMax)
            }
            #expect(history.count == model.count)
            #expect(history.bytes == model.reduce(0) { $0 + $1.bytes.count + SessionHistory.overheadBytes })
            #expect(history.oldestPublishedAt == model.first?.publishedAt)
        }
    }
}

import Sessions
import Testing

@testable import WebSocketGateway

@Suite("Pages of what the store read")
struct HistoryPageStoredTests {
    private static let epoch = try! Epoch(parsing: "3w5e11264sgsf")

    private func id(_ sequence: UInt64) -> EventID { EventID(epoch: Self.epoch, sequence: sequence) }

    private func stored(_ sequences: ClosedRange<UInt64>) throws -> [StoredEvent] {
        let body = Array(#"{"type":"a","data":{}}"#.utf8)
        let event = try EventParser.parse(body.span, format: .json, limits: EventLimits()).events[0]
        return sequences.map {
            StoredEvent(sequence: $0, publishedAt: Timestamp(microsecondsSince1970: 0), body: body, event: event)
        }
    }

    private func made(_ events: [StoredEvent], after sequence: UInt64, head: UInt64, bytesMax: Int = .max) -> HistoryPage? {
        HistoryPage(events, after: sequence, head: id(head), bytesMax: bytesMax, DeliveryPolicies([:]))
    }

    private func sequences(_ page: HistoryPage?) -> [UInt64]? { page?.frames.map(\.id.sequence) }

    @Test func `a page is no larger in frames than was asked for, and holds one event at least`() throws {
        let events = try stored(5...9)
        let bytes = try #require(made(events, after: 4, head: 9)?.frames.first).bytes.count
        // The store counts three bytes of each.
        for (bytesMax, expected) in [(1, [5]), (bytes, [5]), (bytes * 3, [5, 6, 7]), (bytes * 5, [5, 6, 7, 8, 9])] as [(Int, [UInt64])] {
            let page = made(events, after: 4, head: 9, bytesMax: bytesMax)
            #expect(sequences(page) == expected && page?.last == expected.last && page?.isHead == (expected.last == 9))
            #expect(page?.lost == nil)
        }
        #expect(bytes >= Frame.bytesLeast)
    }

    @Test func `what is not released yet is not in it`() throws {
        let page = try #require(made(try stored(5...9), after: 4, head: 7))
        #expect(sequences(page) == [5, 6, 7] && page.isHead)
        #expect(try made(stored(5...9), after: 4, head: 4) == nil)
        #expect(made([], after: 4, head: 9) == nil)
    }

    @Test func `what the store has no more is told`() throws {
        let page = try #require(made(try stored(5...6), after: 2, head: 9))
        #expect(page.lost == .init(epoch: Self.epoch, first: 3, last: 4))
        #expect(sequences(page) == [5, 6] && page.last == 6 && !page.isHead)
    }
}

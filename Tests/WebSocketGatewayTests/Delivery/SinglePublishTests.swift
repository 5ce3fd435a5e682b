import Sessions
import Testing

@testable import WebSocketGateway

@Suite("What became of one event")
struct SinglePublishTests {
    @Test func `its receipt counts who waits in a queue and who in the history as queued`() throws {
        let id = EventID(epoch: try Epoch(parsing: "0123456789abc"), sequence: 7)
        let counts = EventCounts(connections: 21, sent: 1, queued: 2, behind: 3, conflated: 4, dropped: 5)
        #expect(
            SinglePublish(id, counts).receipt
                == PublishReceipt(firstID: id, lastID: id, count: 1, connections: 21, sent: 1, queued: 5, conflated: 4, dropped: 5))
        #expect(
            SinglePublish(id, EventCounts()).receipt
                == PublishReceipt(firstID: id, lastID: id, count: 1, connections: 0, sent: 0, queued: 0, conflated: 0, dropped: 0))
    }
}

import EventLoop
import Sessions
import Testing

@testable import websocket_gateway

@Suite struct WatchPlanTests {
    @Test(
        arguments: [
            (nil, nil, "/ws/forward/s1?join=live"), (nil, "16ja9qn78j68j-42", "/ws/forward/s1?last_event_id=16ja9qn78j68j-42"),
            ("candle,error", nil, "/ws/forward/s1?join=live&types=candle,error"),
        ] as [(String?, String?, String)])
    func `it begins live, and goes on from the last id`(types: String?, last: String?, target: String) throws {
        let plan = WatchPlan(
            address: try #require(SocketAddress(parsing: "127.0.0.1:8080")), kind: .forward, session: "s1", types: types, lastID: nil,
            endsWhenCompleted: false, eventsMax: nil, control: nil)
        #expect(plan.target(after: try last.map { try EventID(parsing: $0) }) == target)
    }
}

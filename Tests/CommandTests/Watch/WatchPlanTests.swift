import Sessions
import Testing

@testable import websocket_gateway

@Suite struct WatchPlanTests {
    @Test(
        arguments: [
            (nil, nil, nil, "/ws/forward/s1?join=live"), (nil, "16ja9qn78j68j-42", nil, "/ws/forward/s1?last_event_id=16ja9qn78j68j-42"),
            ("candle,error", nil, nil, "/ws/forward/s1?join=live&types=candle,error"),
            (nil, nil, "10x", "/ws/forward/s1?join=all&replay=10x"),
            ("candle", "16ja9qn78j68j-42", "max", "/ws/forward/s1?last_event_id=16ja9qn78j68j-42&types=candle&replay=max"),
        ] as [(String?, String?, String?, String)])
    func `it begins live or with the recording, and goes on from the last id`(
        types: String?, last: String?, replay: String?, target: String
    ) throws {
        let plan = WatchPlan(
            gateway: GatewayTarget(host: "127.0.0.1", port: 8080, tls: nil), kind: .forward, session: "s1", types: types, lastID: nil,
            endsWhenCompleted: false, eventsMax: nil, control: nil, replay: replay)
        #expect(plan.target(after: try last.map { try EventID(parsing: $0) }) == target)
    }
}

import Sessions
import Testing

@testable import WebSocketGateway

@Suite("Events of the Swift API as bodies")
struct EventPublishBodyTests {
    @Test(arguments: [
        (Event(type: .candle, data: [:]), #"{"type":"candle","data":{}}"#),
        (
            Event(type: .candle, data: ["a": 1], timestamp: "then \"quoted\""),
            #"{"type":"candle","data":{"a":1},"timestamp":"then \"quoted\""}"#
        ),
        (
            Event(type: .priceUpdate, data: [:], timestamp: "t", key: "k\n"),
            #"{"type":"price_update","data":{},"timestamp":"t","key":"k\n"}"#
        ),
    ])
    func `an event is written as an engine would post it`(event: Event, expected: String) throws {
        let body = event.publishBody
        #expect(String(decoding: body, as: UTF8.self) == expected)
        let parsed = try EventParser.parse(body.span, format: .json)
        #expect(parsed.events.count == 1)
        #expect(!parsed.isBatch)
    }
}

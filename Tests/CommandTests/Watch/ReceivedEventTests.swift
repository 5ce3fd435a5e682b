import Sessions
import Testing

@testable import websocket_gateway

@Suite struct ReceivedEventTests {
    private func read(_ text: String) -> ReceivedEvent? { ReceivedEvent(Array(text.utf8)) }

    @Test func `the fields are those of the message, numbers as they were written`() throws {
        let event = try #require(
            read(#"{"id":"0123456789abc-42","type":"candle","data":{ "open": 1.10 },"timestamp":"2026-03-15T10:30:00.123456Z"}"#))
        #expect(event.id?.sequence == 42)
        #expect(event.type == "candle")
        #expect(event.compactData == #"{"open":1.10}"#)
        #expect(event.clock == "10:30:00.123")
    }

    @Test(arguments: [
        ("2026-03-15T10:30:00", "10:30:00.000"), ("2026-03-15T10:30:00+02:00", "08:30:00.000"), ("1969-12-31T23:59:59.5Z", "23:59:59.500"),
        ("noon", "--:--:--.---"),
    ])
    func `engines' timestamps are read as UTC`(_ timestamp: String, _ clock: String) throws {
        #expect(try #require(read(#"{"type":"a","data":{},"timestamp":"\#(timestamp)"}"#)).clock == clock)
    }

    @Test func `data beyond a double is still shown`() throws {
        let event = try #require(read(#"{"type":"a","data":{"x":1e999},"timestamp":""}"#))
        #expect(event.data == nil)
        #expect(event.compactData == #"{"x":1e999}"#)
    }

    @Test(arguments: [
        "", "[]", "{}", #"{"type":"a"}"#, #"{"type":"a","data":{},"timestamp":""} x"#,
        #"{"id":"nope","type":"a","data":{},"timestamp":""}"#, #"{"type":1,"data":{},"timestamp":""}"#,
    ])
    func `what is no event is none`(_ text: String) {
        #expect(read(text) == nil)
    }
}

import Sessions
import Testing
import WebSocket

@testable import WebSocketGateway

@Suite("Frames")
struct FrameTests {
    private let now = Timestamp(microsecondsSince1970: 1_773_570_600_123_456)

    private func frame(_ body: String, sequence: UInt64 = 1) throws -> Frame {
        let bytes = Array(body.utf8)
        let event = try #require(try EventParser.parse(bytes.span, format: .json).events.first)
        let id = EventID(epoch: try Epoch(parsing: "0123456789abc"), sequence: sequence)
        return Frame(event, of: bytes.span, id: id, timestamp: TimestampText(now), publishedAt: 5)
    }

    private func payload(_ bytes: [UInt8]) throws -> String {
        var reader = MessageReader(role: .client, limits: WebSocketLimits())
        var position = 0
        guard case .text(let text)? = try reader.next(bytes.span, at: &position), position == bytes.count else {
            return "not one text message"
        }
        return String(decoding: text, as: UTF8.self)
    }

    @Test func `a frame is one whole text message, the engine's data untouched`() throws {
        let frame = try frame(#"{"type":"candle","data":{ "price" : 1.10 }}"#, sequence: 42)
        #expect(
            try payload(frame.bytes)
                == #"{"id":"0123456789abc-42","type":"candle","data":{ "price" : 1.10 },"timestamp":"2026-03-15T10:30:00.123456Z"}"#)
        #expect(frame.bytes[0] == 0x81)
        #expect(frame.id.sequence == 42)
        #expect(frame.publishedAt == 5)
        #expect(EventType.known[Int(frame.typeIndex)] == .candle)
    }

    @Test func `an engine's own timestamp stays as it was written`() throws {
        let frame = try frame(#"{"timestamp":"2026-03-15T10:30:00","type":"mine","data":{}}"#)
        #expect(try payload(frame.bytes) == #"{"id":"0123456789abc-1","type":"mine","data":{},"timestamp":"2026-03-15T10:30:00"}"#)
        #expect(Int(frame.typeIndex) == EventType.known.count)
    }

    @Test(arguments: [
        ("candle", "candle", true), ("candle", "candle,mine", true), ("candle", "mine", false), ("mine", "mine", true),
        ("mine", "candle", false),
        ("mine", "mine2", false), ("mine2", "mine", false), ("id", "id", true), ("type", "type", true), ("data", "type", false),
        ("error", "error", true),
    ])
    func `a filter finds the type in the frame`(type: String, filter: String, isWanted: Bool) throws {
        let frame = try frame(#"{"type":"\#(type)","data":{"type":"candle","mine":"mine"}}"#)
        let filter = try #require(TypeFilter.parse(filter))
        #expect(frame.isWanted(by: filter) == isWanted)
    }

    @Test func `a filter finds the type whatever the frame's length`() throws {
        // The length stands in the frame's header, and some of its bytes look like a quote: 0x22.
        let filter = try #require(TypeFilter.parse("mine"))
        var missed: [Int] = []
        for padding in Array(0...1200) + Array(8600...8960) + Array(65_400...66_000) {
            let frame = try frame(#"{"type":"mine","data":{"p":"\#(String(repeating: "x", count: padding))"}}"#)
            if !frame.isWanted(by: filter) { missed.append(frame.bytes.count) }
        }
        #expect(missed.isEmpty, "frames of these lengths are kept from a client that wants them: \(missed.prefix(10))… (\(missed.count))")
    }
}

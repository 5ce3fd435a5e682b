import Sessions
import Testing

@Suite struct EventEncoderTests {
    private let now = Timestamp(microsecondsSince1970: 1_773_570_600_123_456)

    @Test func `the message is the four fields in their order, around the publisher's bytes`() throws {
        let id = try EventID(parsing: "3w5e11264sgsf-42")
        var bytes: [UInt8] = []
        EventEncoder.append(
            id: id, type: "candle".utf8.span, data: "{ \"p\":1.10 }".utf8.span, timestamp: "2026-03-15T10:30:00".utf8.span, to: &bytes)
        #expect(
            String(decoding: bytes, as: UTF8.self)
                == #"{"id":"3w5e11264sgsf-42","type":"candle","data":{ "p":1.10 },"timestamp":"2026-03-15T10:30:00"}"#)
    }

    @Test func `a message to one connection alone has no id`() {
        var bytes: [UInt8] = []
        EventEncoder.append(id: nil, type: "heartbeat".utf8.span, data: "{}".utf8.span, timestamp: now, to: &bytes)
        #expect(String(decoding: bytes, as: UTF8.self) == #"{"type":"heartbeat","data":{},"timestamp":"2026-03-15T10:30:00.123456Z"}"#)
    }

    @Test func `an event's own timestamp is escaped, the gateway's stands in for none`() throws {
        var bytes: [UInt8] = []
        EventEncoder.append(id: nil, event: Event(type: .heartbeat, data: [:], timestamp: "\"now\"\n"), timestamp: now, to: &bytes)
        let own = try JSON.parse(bytes.span)
        #expect(own["timestamp"] == "\"now\"\n")
        bytes = []
        EventEncoder.append(id: nil, event: .heartbeat(), timestamp: now, to: &bytes)
        let standIn = try JSON.parse(bytes.span)
        #expect(standIn["timestamp"] == "2026-03-15T10:30:00.123456Z")
    }

    @Test(arguments: ["1", "9", "10", "99", "100", "9223372036854775807"])
    func `the length told is the length written`(_ sequence: String) throws {
        let id = try EventID(parsing: "3w5e11264sgsf-\(sequence)")
        for id in [id, nil] {
            for event in [Event.heartbeat(), Event(type: .candle, data: ["a": "é"], timestamp: "t\"\u{1}é")] {
                var bytes: [UInt8] = [1, 2, 3]
                EventEncoder.append(id: id, event: event, timestamp: now, to: &bytes)
                #expect(bytes.count - 3 == EventEncoder.encodedLength(id: id, event: event))
            }
            var bytes: [UInt8] = []
            EventEncoder.append(id: id, type: "abc".utf8.span, data: "{}".utf8.span, timestamp: "12345".utf8.span, to: &bytes)
            #expect(bytes.count == EventEncoder.encodedLength(id: id, typeBytes: 3, dataBytes: 2, timestampBytes: 5))
        }
    }
}

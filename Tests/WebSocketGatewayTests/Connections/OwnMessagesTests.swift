import Sessions
import Testing
import WebSocket

@testable import WebSocketGateway

@Suite("The gateway's own messages")
struct OwnMessagesTests {
    private let now = Timestamp(microsecondsSince1970: 1_773_570_600_123_456)

    private func payload(_ frame: [UInt8]) throws -> String {
        var reader = MessageReader(role: .client)
        var position = 0
        guard case .text(let bytes)? = try reader.next(frame.span, at: &position), position == frame.count else { throw NotOneText() }
        return String(decoding: bytes, as: UTF8.self)
    }

    private struct NotOneText: Error {}

    private func connected(
        _ id: ConnectionID, _ session: SessionID, _ lastID: EventID?, _ resume: ResumeAnswer?, _ transport: Transport, seen: EventID? = nil
    ) -> [UInt8] {
        var bytes: [UInt8] = []
        OwnMessages.appendConnected(id, session: session, lastID: lastID, resume: resume, now: now, for: transport, seen: seen, to: &bytes)
        return bytes
    }

    private func id(_ sequence: UInt64) throws -> EventID { EventID(epoch: try Epoch(parsing: "0123456789abc"), sequence: sequence) }

    @Test func `connected, to a stream that is empty`() throws {
        let connection = try #require(ConnectionID("01234567-89ab-4def-8123-456789abcdef"))
        let frame = connected(connection, try SessionID("bt-1"), nil, nil, .webSocket)
        #expect(
            try payload(frame)
                == #"{"type":"connected","data":{"connection_id":"01234567-89ab-4def-8123-456789abcdef","session_id":"bt-1","epoch":null,"last_id":null,"resume":null},"timestamp":"2026-03-15T10:30:00.123456Z"}"#
        )
    }

    @Test func `connected, after a resume`() throws {
        let connection = try #require(ConnectionID("01234567-89ab-4def-8123-456789abcdef"))
        let resume = ResumeAnswer(recovered: false, from: try id(41), oldestID: nil)
        let frame = connected(connection, try SessionID("bt-1"), try id(42), resume, .webSocket)
        let text = try payload(frame)
        #expect(text.contains(#""epoch":"0123456789abc","last_id":"0123456789abc-42","#))
        #expect(text.contains(#""resume":{"recovered":false,"from":"0123456789abc-41","oldest_id":null}"#))
    }

    @Test func `a heartbeat before anything happened, and one with numbers`() throws {
        #expect(
            try payload(OwnMessages.heartbeat(now: now, lastID: nil, delivered: 0, roundTripNanoseconds: nil, for: .webSocket))
                == #"{"type":"heartbeat","data":{"server_time":"2026-03-15T10:30:00.123456Z","last_id":null,"delivered":0,"rtt_ms":null},"timestamp":"2026-03-15T10:30:00.123456Z"}"#
        )
        let text = try payload(
            OwnMessages.heartbeat(now: now, lastID: try id(7), delivered: .max, roundTripNanoseconds: 1_234_567, for: .webSocket))
        #expect(text.contains(#""last_id":"0123456789abc-7","delivered":9223372036854775807,"rtt_ms":1.234"#))
    }

    @Test func `what was left out is told by its ranges and types`() throws {
        var omission = Omission(try id(7), type: "price_update")
        omission.append(Omission(try id(8), type: "stats_update"))
        omission.append(Omission(try id(11), type: "price_update"))
        #expect(
            try payload(OwnMessages.conflated(omission, now: now, for: .webSocket))
                == #"{"type":"conflated","data":{"ranges":[["0123456789abc-7","0123456789abc-8"],["0123456789abc-11","0123456789abc-11"]],"types":["price_update","stats_update"]},"timestamp":"2026-03-15T10:30:00.123456Z"}"#
        )
    }

    @Test func `an error carries its code, message and details`() throws {
        let text = try payload(
            OwnMessages.error("NO_ENGINE", "no \"engine\"", details: ["action": "stop", "ref": .null], now: now, for: .webSocket))
        #expect(
            text
                == #"{"type":"error","data":{"error_code":"NO_ENGINE","message":"no \"engine\"","details":{"action":"stop","ref":null}},"timestamp":"2026-03-15T10:30:00.123456Z"}"#
        )
    }

    @Test(arguments: [
        (#"{"type":"candle","data":{ "x": 1.50 }}"#, #"{"type":"candle","data":{ "x": 1.50 },"timestamp":"2026-03-15T10:30:00.123456Z"}"#),
        (#"{"timestamp":"then\u0021","data":{},"type":"mine"}"#, #"{"type":"mine","data":{},"timestamp":"then\u0021"}"#),
    ])
    func `a direct event is what the engine wrote, without an id`(body: String, expected: String) throws {
        let bytes = Array(body.utf8)
        let event = try #require(try EventParser.parse(bytes.span, format: .json).events.first)
        #expect(try payload(OwnMessages.direct(event, of: bytes.span, now: now, for: .webSocket)) == expected)
    }

    @Test func `an event stream gets the same messages, as events without an id`() throws {
        func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
        let connection = try #require(ConnectionID("01234567-89ab-4def-8123-456789abcdef"))
        let session = try SessionID("bt-1")
        for message in [
            { OwnMessages.heartbeat(now: now, lastID: try? id(7), delivered: 9, roundTripNanoseconds: nil, for: $0) },
            { OwnMessages.error("CODE", "text", details: [:], now: now, for: $0) },
            { connected(connection, session, nil, nil, $0) },
        ] as [(Transport) -> [UInt8]] {
            #expect(text(message(.eventStream)) == "data: \(try payload(message(.webSocket)))\n\n")
        }
        let seen = connected(connection, session, try id(3), nil, .eventStream, seen: try id(3))
        #expect(text(seen).hasPrefix("id: 0123456789abc-3\ndata: {\"type\":\"connected\","))
        #expect(
            text(Transport.eventStream.farewell(.serviceRestart, reason: "draining", retryMilliseconds: 700, now: now))
                == "retry: 700\n\ndata: {\"type\":\"closed\",\"data\":{\"code\":1012,\"reason\":\"draining\"},\"timestamp\":\"2026-03-15T10:30:00.123456Z\"}\n\n"
        )
    }
}

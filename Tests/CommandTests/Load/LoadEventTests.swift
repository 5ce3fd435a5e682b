import Sessions
import Testing

@testable import websocket_gateway

@Suite struct LoadEventTests {
    private func parse(_ body: [UInt8]) throws -> PublishedEvent {
        let parsed = try EventParser.parse(body.span, format: .json)
        return parsed.events[0]
    }

    /// The message a client gets for `body`, by the gateway's own encoder.
    private func message(_ body: [UInt8], id: UInt64) throws -> [UInt8] {
        let event = try parse(body)
        let eventID = try EventID(parsing: "0123456789abc-\(id)")
        var message: [UInt8] = []
        EventEncoder.append(
            id: eventID, type: body.span.extracting(event.typeRange), data: body.span.extracting(event.dataRange),
            timestamp: Timestamp(microsecondsSince1970: 0), to: &message)
        return message
    }

    private func read(_ message: [UInt8], dataBytes: Int) -> LoadEvent.Message { LoadEvent.read(message.span, dataBytes: dataBytes) }

    @Test(arguments: [LoadEvent.dataBytesMin, 256, 70_000])
    func `what is published is read back, in exactly the size asked for`(_ size: Int) throws {
        for (sequence, sentAt) in [(1, 1), (42, 123_456_789), (UInt64(Int64.max), UInt64(Int64.max))] as [(UInt64, UInt64)] {
            let body = LoadEvent.body(sequence: sequence, sentAt: sentAt, dataBytes: size)
            let length = try parse(body).dataRange.count
            #expect(length == size)
            let read = read(try message(body, id: 77), dataBytes: size)
            #expect(read == .event(epoch: 7..<20, id: 77, sequence: sequence, sentAt: sentAt))
        }
    }

    @Test func `another size, another type or other data is not ours`() throws {
        let ours = LoadEvent.body(sequence: 1, sentAt: 1, dataBytes: 256)
        let message = try message(ours, id: 1)
        #expect(read(message, dataBytes: 255) == .foreign)
        #expect(read(message, dataBytes: 257) == .foreign)
        for body in [
            #"{"type":"candle","data":{"sequence":1}}"#, #"{"type":"load","data":{}}"#, #"{"type":"load","data":{"sequence":"1"}}"#,
        ] {
            let other = try self.message(Array(body.utf8), id: 1)
            #expect(read(other, dataBytes: 256) == .foreign)
        }
    }

    @Test func `what the gateway says to one connection has no id`() {
        #expect(read(Array(#"{"type":"heartbeat","data":{},"timestamp":""}"#.utf8), dataBytes: 256) == .own)
    }

    @Test func `every prefix of a message is refused without a trap`() throws {
        let whole = try message(LoadEvent.body(sequence: 9, sentAt: 9, dataBytes: 128), id: 9)
        for count in 0..<whole.count {
            if case .event = read(Array(whole[..<count]), dataBytes: 128) { Issue.record("\(count) bytes were taken for an event") }
        }
    }
}

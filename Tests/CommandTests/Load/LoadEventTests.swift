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

    private func read(_ message: [UInt8], _ event: LoadEvent) -> LoadEvent.Message { event.read(message.span) }

    private static let smallest = LoadPayload.allCases.map { LoadEvent(payload: $0, dataBytes: $0.dataBytesMin) }
    private static let events =
        smallest + LoadPayload.allCases.flatMap { payload in [700, 4096, 70_000].map { LoadEvent(payload: payload, dataBytes: $0) } }

    @Test(arguments: events)
    func `what is published is read back, in exactly the size asked for`(_ event: LoadEvent) throws {
        for (sequence, sentAt) in [(1, 1), (42, 123_456_789), (UInt64(Int64.max), UInt64(Int64.max))] as [(UInt64, UInt64)] {
            let body = event.body(sequence: sequence, sentAt: sentAt)
            let parsed = try parse(body)
            #expect(parsed.dataRange.count == event.dataBytes)
            let message = try message(body, id: 77)
            #expect(read(message, event) == .event(epoch: 7..<20, id: 77, sequence: sequence, sentAt: sentAt))
        }
    }

    @Test(arguments: events)
    func `a whole event is, to the byte, what the gateway would have made of the same`(_ event: LoadEvent) throws {
        let timestamp = Timestamp(microsecondsSince1970: 0)
        for sequence in [1, 42, UInt64(Int64.max)] as [UInt64] {
            let whole = event.message(epoch: Array("0123456789abc".utf8), sequence: sequence, sentAt: 5000, timestamp: timestamp)
            #expect(whole == (try message(event.body(sequence: sequence, sentAt: 5000), id: sequence)))
            #expect(read(whole, event) == .event(epoch: 7..<20, id: sequence, sequence: sequence, sentAt: 5000))
        }
    }

    @Test func `every other event is of another type where that was asked for, and of no other`() throws {
        var event = LoadEvent(payload: .padding, dataBytes: 256)
        event.alternates = true
        for (sequence, type) in [(1, "load"), (2, "load_other"), (3, "load"), (4, "load_other")] as [(UInt64, String)] {
            let body = event.body(sequence: sequence, sentAt: 5)
            #expect(String(decoding: body[try parse(body).typeRange], as: UTF8.self) == type)
            let message = try message(body, id: sequence)
            #expect(read(message, event) == .event(epoch: 7..<20, id: sequence, sequence: sequence, sentAt: 5))
            #expect((read(message, LoadEvent(payload: .padding, dataBytes: 256)) == .foreign) == (sequence % 2 == 0))
        }
        // The type of one, the data of the other.
        let swapped = Array(String(decoding: event.body(sequence: 1, sentAt: 5), as: UTF8.self).replacing("load", with: "load_other").utf8)
        #expect(read(try message(swapped, id: 1), event) == .foreign)
    }

    @Test func `another size, another type or other data is not ours`() throws {
        let event = LoadEvent(payload: .padding, dataBytes: 256)
        let message = try message(event.body(sequence: 1, sentAt: 1), id: 1)
        for other in [
            LoadEvent(payload: .padding, dataBytes: 255), LoadEvent(payload: .padding, dataBytes: 257),
            LoadEvent(payload: .candles, dataBytes: 256),
        ] {
            let read = read(message, other)
            #expect(read == .foreign || read == .altered(sequence: 1))
        }
        for body in [
            #"{"type":"candle","data":{"sequence":1}}"#, #"{"type":"load","data":{}}"#, #"{"type":"load","data":{"sequence":"1"}}"#,
        ] {
            let other = try self.message(Array(body.utf8), id: 1)
            #expect(read(other, event) == .foreign)
        }
    }

    private func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    @Test(arguments: smallest)
    func `no byte can change unnoticed but a digit of the time`(_ event: LoadEvent) throws {
        let (sequence, sentAt) = (123 as UInt64, 4_567_890 as UInt64)
        let whole = try message(event.body(sequence: sequence, sentAt: sentAt), id: 9)
        let expected = LoadEvent.Message.event(epoch: 7..<20, id: 9, sequence: sequence, sentAt: sentAt)
        #expect(read(whole, event) == expected)
        // The epoch is the session's to compare, the time the gateway's own.
        let time = whole.count - 29..<whole.count - 2
        for index in whole.indices where !(7..<20).contains(index) {
            for bit in [0x01, 0x02, 0x10, 0x80] as [UInt8] {
                var other = whole
                other[index] ^= bit
                let isTime = time.contains(index) && isDigit(whole[index]) && isDigit(other[index])
                #expect((read(other, event) == expected) == isTime, "byte \(index)")
            }
        }
    }

    @Test func `the check covers the time of sending, which nothing else would`() throws {
        let event = LoadEvent()
        let body = String(decoding: event.body(sequence: 9, sentAt: 1234), as: UTF8.self)
        let other = body.replacing("1234", with: "1235")
        #expect(other != body)
        let message = try message(Array(other.utf8), id: 9)
        #expect(read(message, event) == .foreign)
    }

    @Test func `what the gateway says to one connection has no id`() {
        #expect(read(Array(#"{"type":"heartbeat","data":{},"timestamp":""}"#.utf8), LoadEvent()) == .own)
    }

    @Test(arguments: smallest)
    func `every prefix of a message is refused without a trap, and so is anything behind it`(_ event: LoadEvent) throws {
        let whole = try message(event.body(sequence: 9, sentAt: 9), id: 9)
        for other in whole.indices.map({ Array(whole[..<$0]) }) + [whole + [0x20]] {
            if case .event = read(other, event) { Issue.record("\(other.count) bytes were taken for an event") }
        }
    }
}

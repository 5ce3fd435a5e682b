import EventLoop
import Sessions
import Testing

@testable import WebSocketGateway

@Suite("What an engine is told")
struct LinkMessagesTests {
    private let session = try! SessionID("s1")
    private let connection = ConnectionID("0a1b2c3d-0000-4000-8000-000000000000")!

    /// Without its frame's header.
    private func text(_ frame: [UInt8]) -> String { String(decoding: frame.drop { $0 != UInt8(ascii: "{") }, as: UTF8.self) }

    @Test func `each message is written as the contract says`() throws {
        let ref = Array(#""r 1""#.utf8)
        #expect(
            text(LinkMessages.serving(session, connections: 3, ref: ref))
                == #"{"op":"serving","ref":"r 1","session_id":"s1","connections":3}"#)
        #expect(text(LinkMessages.released(session)) == #"{"op":"released","session_id":"s1"}"#)
        #expect(text(LinkMessages.replaced(session)) == #"{"op":"replaced","session_id":"s1"}"#)
        #expect(
            text(LinkMessages.presence(session, connection, subject: "a\"b", connections: 1, isHere: true))
                == #"{"op":"connected","session_id":"s1","connection_id":"0a1b2c3d-0000-4000-8000-000000000000","subject":"a\"b","connections":1}"#
        )
        #expect(
            text(LinkMessages.presence(session, connection, subject: nil, connections: 0, isHere: false))
                == #"{"op":"disconnected","session_id":"s1","connection_id":"0a1b2c3d-0000-4000-8000-000000000000","subject":null,"connections":0}"#
        )
        let id = CommandID(worker: 2, number: 255)
        #expect(text(LinkMessages.expired(id)) == #"{"op":"expired","command_id":"02000000000000ff"}"#)
        #expect(
            text(LinkMessages.error("X", "no", details: ["n": 1], ref: nil))
                == #"{"op":"error","ref":null,"code":"X","message":"no","details":{"n":1}}"#)
        let request = CommandTableTests.request("buy", payload: #" {"action":"BUY","x":1.50} "#)
        #expect(
            text(LinkMessages.command(request, id))
                == #"{"op":"command","command_id":"02000000000000ff","session_id":"s1","connection_id":"00000000-0000-4000-8000-000000000000","#
                + #""subject":null,"action":"buy","payload": {"action":"BUY","x":1.50} }"#)
    }

    @Test(arguments: [
        (
            CommandAnswer(result: .acknowledged),
            #"{"type":"command_ack","data":{"action":"stop","ref":"r\"1"},"timestamp":"2026-03-15T10:30:00.123456Z"}"#
        ),
        (
            CommandAnswer(result: .acknowledged, members: Array(#""x":1.50"#.utf8)),
            #"{"type":"command_ack","data":{"action":"stop","ref":"r\"1","x":1.50},"timestamp":"2026-03-15T10:30:00.123456Z"}"#
        ),
        (
            CommandAnswer(result: .unknownCommand, message: "n\"o", members: Array(#""x":1"#.utf8)),
            #"{"type":"error","data":{"error_code":"UNKNOWN_COMMAND","message":"n\"o","details":{"action":"stop","ref":"r\"1","x":1}},"timestamp":"2026-03-15T10:30:00.123456Z"}"#
        ),
    ])
    func `an answer is an event with the engine's members behind action and ref`(_ answer: CommandAnswer, _ expected: String) throws {
        let now = try #require(Timestamp.parse("2026-03-15T10:30:00.123456Z"))
        let request = CommandTableTests.request(ref: "r\"1")
        #expect(text(OwnMessages.answer(answer, to: request, now: now, for: .webSocket)) == expected)
    }

    @Test func `a receipt is the same as by HTTP, behind op and ref`() throws {
        let epoch = try Epoch(parsing: "0123456789abc")
        let receipt = PublishReceipt(
            firstID: EventID(epoch: epoch, sequence: 7), lastID: EventID(epoch: epoch, sequence: 9), count: 3, connections: 4, sent: 3,
            queued: 1,
            conflated: 0, dropped: 0)
        let counts = #""connections":4,"sent":3,"queued":1,"conflated":0,"dropped":0}"#
        #expect(
            text(PublishAnswer(receipt: receipt, isBatch: false, isEarly: false).encodedForLink(ref: Array("7".utf8)))
                == #"{"op":"published","ref":7,"id":"0123456789abc-7","sequence":7,"# + counts)
        #expect(
            text(PublishAnswer(receipt: receipt, isBatch: true, isEarly: false).encodedForLink(ref: nil))
                == #"{"op":"published","first_id":"0123456789abc-7","last_id":"0123456789abc-9","count":3,"# + counts)
    }
}

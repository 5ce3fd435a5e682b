import Sessions
import Testing

@Suite struct ClientCommandTests {
    @Test(
        arguments: [
            (#"{"action":"pause"}"#, "pause", nil), (#" {"x":[{"action":"no"}],"ref":"r-1","action":"STOP"} "#, "stop", "r-1"),
            (#"{"action":"p\u0061use"}"#, "pause", nil), (#"{"\u0061ction":"ping"}"#, "ping", nil), (#"{"action":"Ärger"}"#, "Ärger", nil),
            (#"{"action":"\ud800"}"#, "\u{FFFD}", nil),
        ] as [(String, String, String?)])
    func `an action and its ref are found, wherever they stand and however they are escaped`(
        _ text: String, _ action: String, _ ref: String?
    ) throws {
        let command = try ClientCommand.parse(text.utf8.span)
        #expect(command.action == action)
        #expect(command.ref == ref)
    }

    @Test(arguments: [
        "", "pause", "[]", "1", "\"pause\"", "null", "{\"action\":\"pause\"", "{\"action\":\"pause\"}x", "{action:1}", "{\"action\":NaN}",
    ])
    func `what is not a JSON object is INVALID_MESSAGE`(_ text: String) throws {
        let error = try #require(throws: InvalidCommand.self) { try ClientCommand.parse(text.utf8.span) }
        #expect(error.code == "INVALID_MESSAGE")
        #expect(!error.message.isEmpty)
    }

    @Test(
        arguments: [
            ("{}", .noAction), (#"{"Action":"pause"}"#, .noAction), (#"{"action":1}"#, .malformedAction),
            (#"{"action":""}"#, .malformedAction),
            (#"{"action":null}"#, .malformedAction), (#"{"action":"a","ref":""}"#, .malformedRef),
            (#"{"action":"a","ref":1}"#, .malformedRef),
            (#"{"action":"a","ref":null}"#, .malformedRef), (#"{"action":"a","action":"b"}"#, .memberTwice("action")),
            (#"{"action":"a","\u0061ction":"b"}"#, .memberTwice("action")), (#"{"ref":"a","ref":"b"}"#, .memberTwice("ref")),
        ] as [(String, InvalidCommand)])
    func `a JSON object that is no command is INVALID_COMMAND`(_ text: String, _ expected: InvalidCommand) throws {
        let error = try #require(throws: InvalidCommand.self) { try ClientCommand.parse(text.utf8.span) }
        #expect(error == expected)
        #expect(error.code == "INVALID_COMMAND")
    }

    @Test func `actions end at 64 bytes, refs at 128, messages at 64 KiB`() throws {
        func message(action: Int, ref: Int, padding: Int = 0) -> String {
            let texts = [action, ref, padding].map { String(repeating: "x", count: $0) }
            return #"{"action":"\#(texts[0])","ref":"\#(texts[1])","p":"\#(texts[2])"}"#
        }
        _ = try ClientCommand.parse(message(action: 64, ref: 128).utf8.span)
        #expect(throws: InvalidCommand.malformedAction) { try ClientCommand.parse(message(action: 65, ref: 1).utf8.span) }
        #expect(throws: InvalidCommand.malformedRef) { try ClientCommand.parse(message(action: 1, ref: 129).utf8.span) }
        let frame = message(action: 1, ref: 1).utf8.count
        _ = try ClientCommand.parse(message(action: 1, ref: 1, padding: 65_536 - frame).utf8.span)
        #expect(throws: InvalidCommand.tooLong) { try ClientCommand.parse(message(action: 1, ref: 1, padding: 65_537 - frame).utf8.span) }
    }
}

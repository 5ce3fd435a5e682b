import Testing

@testable import Sessions

@Suite("What an engine says")
struct EngineMessageTests {
    private static func parse(_ text: String) throws -> (message: EngineMessage, ref: String?) {
        let (message, ref) = try EngineMessage.parse(text.utf8.span)
        return (message, ref.map { Self.text($0, of: text) })
    }

    private static func text(_ range: Range<Int>, of text: String) -> String { String(decoding: Array(text.utf8)[range], as: UTF8.self) }

    @Test(arguments: [
        #"{"op":"publish","ref":"a","session_id":"s1","event":{"type":"candle","data":{"x":[1.50]}},"key":"k"}"#,
        #" { "event" : {"type":"candle","data":{"x":[1.50]}} ,"key":"k","session_id":"s1", "op":"publish","ref":"a" } "#,
    ])
    func `a publish is found, in whatever order its members stand`(_ text: String) throws {
        let (message, ref) = try Self.parse(text)
        guard case .publish(let publish) = message else { return #expect(Bool(false), "\(message)") }
        #expect(ref == #""a""#)
        #expect(publish.session.description == "s1")
        #expect(publish.key == "k")
        #expect(!publish.isBatch)
        #expect(Self.text(publish.content, of: text) == #"{"type":"candle","data":{"x":[1.50]}}"#)
        #expect(publish.events.map { Self.text($0.dataRange, of: text) } == [#"{"x":[1.50]}"#])
    }

    @Test func `several events are an array, and a ref may be a number`() throws {
        let text = #"{"op":"publish","ref":-1.50e3,"session_id":"s","events":[{"type":"a","data":{}},{"type":"b","data":{"n":1}}]}"#
        let (message, ref) = try Self.parse(text)
        guard case .publish(let publish) = message else { return #expect(Bool(false), "\(message)") }
        #expect(ref == "-1.50e3")
        #expect(publish.isBatch)
        #expect(publish.key == nil)
        #expect(publish.events.map { Self.text($0.typeRange, of: text) } == ["a", "b"])
    }

    @Test func `the session that was named last is not made anew, and another one is`() throws {
        let known = try SessionID("session-with-a-long-name")
        for (name, isKnown) in [("session-with-a-long-name", true), ("session-with-a-long-nama", false)] {
            let text = #"{"op":"serve","session_id":"\#(name)"}"#
            let (message, _) = try EngineMessage.parse(text.utf8.span, knownSession: known)
            #expect((message == .serve(known)) == isKnown)
        }
    }

    @Test func `serve and release name a session`() throws {
        let session = try SessionID("s1")
        #expect(try Self.parse(#"{"op":"serve","session_id":"s1"}"#).message == .serve(session))
        #expect(try Self.parse(#"{"op":"release","session_id":"s1","ref":1}"#).message == .release(session))
    }

    private static let id = CommandID(worker: 3, number: 0x2a)

    @Test(
        arguments: [
            (#""ok":true"#, .done(members: [])), (#""ok":true,"data":{}"#, .done(members: [])),
            (#""ok":true,"data":{"a":1.50, "b":[{}]}"#, .done(members: Array(#""a":1.50,"b":[{}]"#.utf8))),
            (#""ok":true,"data":{"ref":1,"a":1,"action":"x","\u0061ction":2,"r\u0065f":3}"#, .done(members: Array(#""a":1"#.utf8))),
            (#""ok":false"#, .failed(code: .commandFailed, message: "the engine did not carry it out", members: [])),
            (
                #""ok":false,"error_code":"UNKNOWN_COMMAND","message":"n\u006f","data":{"x":1}"#,
                .failed(code: .unknownCommand, message: "no", members: Array(#""x":1"#.utf8))
            ),
        ] as [(String, EngineMessage.Reply.Outcome)])
    func `a reply has the engine's members without those that are the gateway's`(_ members: String, _ outcome: EngineMessage.Reply.Outcome)
        throws
    {
        let (message, _) = try Self.parse(#"{"op":"reply","command_id":"\#(Self.id)",\#(members)}"#)
        #expect(message == .reply(EngineMessage.Reply(commandID: Self.id, outcome: outcome)))
    }

    private static let event = #""event":{"type":"a","data":{}}"#

    @Test(
        arguments: [
            ("", "INVALID_JSON", nil), ("{", "INVALID_JSON", nil), ("[]", "INVALID_MESSAGE", nil), ("7", "INVALID_MESSAGE", nil),
            ("[", "INVALID_JSON", nil),
            (#"{"op":"serve","session_id":"s"}x"#, "INVALID_JSON", nil), ("{}", "INVALID_MESSAGE", nil),
            (#"{"ref":"r"}"#, "INVALID_MESSAGE", #""r""#),
            (#"{"op":"subscribe","ref":1}"#, "INVALID_MESSAGE", "1"), (#"{"op":1,"ref":1}"#, "INVALID_MESSAGE", "1"),
            (#"{"op":"serve","op":"serve","ref":1,"session_id":"s"}"#, "INVALID_MESSAGE", "1"),
            (#"{"op":"serve","ref":1,"ref":2,"session_id":"s"}"#, "INVALID_MESSAGE", "1"),
            (#"{"op":"serve","ref":"","session_id":"s"}"#, "INVALID_MESSAGE", nil),
            (#"{"op":"serve","ref":null,"session_id":"s"}"#, "INVALID_MESSAGE", nil),
            (#"{"op":"serve","ref":{},"session_id":"s"}"#, "INVALID_MESSAGE", nil),
            (#"{"op":"serve","ref":"\#(String(repeating: "r", count: 129))","session_id":"s"}"#, "INVALID_MESSAGE", nil),
            (#"{"op":"serve"}"#, "INVALID_MESSAGE", nil), (#"{"op":"serve","session_id":"a b"}"#, "INVALID_SESSION_ID", nil),
            (#"{"op":"serve","session_id":1}"#, "INVALID_MESSAGE", nil),
            (#"{"op":"serve","session_id":"s","key":"k"}"#, "INVALID_MESSAGE", nil),
            (#"{"op":"serve","session_id":"s",\#(Self.event)}"#, "INVALID_MESSAGE", nil),
            (#"{"op":"publish","ref":1,"session_id":"s"}"#, "INVALID_MESSAGE", "1"),
            (#"{"op":"publish",\#(Self.event),"ref":1}"#, "INVALID_MESSAGE", "1"),
            (#"{"op":"publish","session_id":"s",\#(Self.event),\#(Self.event)}"#, "INVALID_MESSAGE", nil),
            (#"{"op":"publish","session_id":"s",\#(Self.event),"events":[]}"#, "INVALID_MESSAGE", nil),
            (#"{"op":"publish","session_id":"s","event":[]}"#, "INVALID_EVENT", nil),
            (#"{"op":"publish","session_id":"s","events":{}}"#, "INVALID_EVENT", nil),
            (#"{"op":"publish","session_id":"s","events":[]}"#, "EMPTY_BATCH", nil),
            (#"{"op":"publish","event":{"type":"A","data":{}},"session_id":"s","ref":"late"}"#, "INVALID_EVENT", #""late""#),
            (#"{"op":"publish","event":{"type":"lost","data":{}},"session_id":"s","ref":"late"}"#, "RESERVED_TYPE", #""late""#),
            (#"{"op":"publish","session_id":"s",\#(Self.event),"key":1}"#, "INVALID_MESSAGE", nil),
            (#"{"op":"publish","session_id":"s",\#(Self.event),"ok":true}"#, "INVALID_MESSAGE", nil),
            (#"{"op":"publish","session_id":"s",\#(Self.event),"idempotency_key":"k","ref":"r"}"#, "INVALID_MESSAGE", #""r""#),
            (#"{"op":"reply","ok":true}"#, "INVALID_MESSAGE", nil), (#"{"op":"reply","command_id":"1","ok":true}"#, "INVALID_MESSAGE", nil),
            (#"{"op":"reply","command_id":"\#(Self.id)"}"#, "INVALID_MESSAGE", nil),
            (#"{"op":"reply","command_id":"\#(Self.id)","ok":1}"#, "INVALID_MESSAGE", nil),
            (#"{"op":"reply","command_id":"\#(Self.id)","ok":true,"data":[]}"#, "INVALID_MESSAGE", nil),
            (#"{"op":"reply","command_id":"\#(Self.id)","ok":true,"error_code":"X"}"#, "INVALID_MESSAGE", nil),
            (#"{"op":"reply","command_id":"\#(Self.id)","ok":false,"error_code":"NO_ENGINE"}"#, "INVALID_MESSAGE", nil),
            (#"{"op":"reply","command_id":"\#(Self.id)","ok":false,"message":1}"#, "INVALID_MESSAGE", nil),
            (#"{"op":"reply","command_id":"\#(Self.id)","ok":true,"session_id":"s"}"#, "INVALID_MESSAGE", nil),
        ] as [(String, String, String?)])
    func `what breaks a rule is refused with its code, and its ref where it has one`(_ text: String, _ code: String, _ ref: String?) throws
    {
        let error = try #require(throws: InvalidEngineMessage.self) { try EngineMessage.parse(text.utf8.span) }
        #expect(error.code == code, "\(error.message)")
        #expect(error.ref.map { Self.text($0, of: text) } == ref)
        #expect(!error.message.isEmpty)
    }

    @Test func `what is wrong in an event is told with its place in the message`() throws {
        let text = #"{"op":"publish","session_id":"s","event":{"type":"a","data":{"price":NaN}}}"#
        let error = try #require(throws: InvalidEngineMessage.self) { try EngineMessage.parse(text.utf8.span) }
        #expect(error.code == "INVALID_JSON")
        #expect(error.place?.place == "event.data.price")
        #expect(error.place?.offset == 69)
    }

    @Test func `a reply's data ends at 64 KiB, and nesting at 64 levels`() throws {
        func reply(_ data: String) -> String { #"{"op":"reply","command_id":"\#(Self.id)","ok":true,"data":\#(data)}"# }
        _ = try Self.parse(reply(#"{"x":"\#(String(repeating: "x", count: 65_536 - 8))"}"#))
        #expect(throws: InvalidEngineMessage.self) { try Self.parse(reply(#"{"x":"\#(String(repeating: "x", count: 65_537 - 8))"}"#)) }
        let deep = String(repeating: "[", count: 64) + String(repeating: "]", count: 64)
        #expect(throws: InvalidEngineMessage.self) { try Self.parse(reply(#"{"x":\#(deep)}"#)) }
    }

    @Test func `a command id reads back, and nothing else is one`() {
        for id in [CommandID(worker: 0, number: 0), Self.id, CommandID(worker: 63, number: CommandID.numberMask)] {
            #expect(id.description.utf8.count == 16)
            #expect(CommandID(id.description.utf8.span) == id)
        }
        #expect(CommandID(worker: 256, number: 1 << 56) == CommandID(worker: 0, number: 0), "what does not fit is cut, not trapped on")
        for text in ["", "00", "000000000000000g", "000000000000000A", "00000000000000001", "0x00000000000000"] {
            #expect(CommandID(text.utf8.span) == nil, "\(text)")
        }
    }

    @Test func `no bytes make the reader trap`() {
        var random = SeededGenerator(seed: 20)
        let good = Array(#"{"op":"reply","ref":"r","command_id":"\#(Self.id)","ok":false,"data":{"a":[1,{"b":null}]},"message":"x"}"#.utf8)
        for _ in 0..<20_000 {
            var bytes = good
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let at = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[at] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.remove(at: at)
                default: bytes.insert(bytes[at], at: at)
                }
            }
            do throws(InvalidEngineMessage) { _ = try EngineMessage.parse(bytes.span) } catch {
                if let ref = error.ref { #expect(ref.upperBound <= bytes.count) }
            }
        }
    }
}

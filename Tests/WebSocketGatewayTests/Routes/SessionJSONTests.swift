import HTTP
import Sessions
import Testing

@testable import WebSocketGateway

@Suite("Sessions as JSON")
struct SessionJSONTests {
    static let tick = EventType(rawValue: "tick")!

    private func parse(_ text: String) throws -> SessionRegistration {
        try SessionRegistration.parse(try #require(JSON.parse(text).objectValue))
    }

    @Test(arguments: [
        ("{}", SessionRegistration()),
        (#"{"kind":"backtest"}"#, SessionRegistration(kind: .backtest)),
        (#"{"kind":"forward","owner":"u1"}"#, SessionRegistration(kind: .forward, owner: "u1")),
        (#"{"max_connections":1}"#, SessionRegistration(connectionsMax: 1)),
        (#"{"max_connections":10000000}"#, SessionRegistration(connectionsMax: 10_000_000)),
        (#"{"join":"live"}"#, SessionRegistration(join: .live)),
        (#"{"join":"all"}"#, SessionRegistration(join: .all)),
        (#"{"join":20}"#, SessionRegistration(join: .latest(20))),
        (#"{"join":"20"}"#, SessionRegistration(join: .latest(20))),
        (#"{"join":0}"#, SessionRegistration(join: .latest(0))),
        (#"{"policies":{}}"#, SessionRegistration()),
        (
            #"{"policies":{"tick":"latest","candle":"deliver"}}"#,
            SessionRegistration(policies: [SessionJSONTests.tick: .latest, .candle: .deliver])
        ),
        (#"{"kind":null,"owner":null,"max_connections":null,"join":null,"policies":null}"#, SessionRegistration()),
    ])
    func `a registration is read`(text: String, expected: SessionRegistration) throws {
        #expect(try parse(text) == expected)
    }

    @Test(arguments: [
        #"{"kind":"paper"}"#, #"{"kind":1}"#, #"{"kind":"Backtest"}"#, #"{"owner":""}"#, #"{"owner":7}"#, #"{"max_connections":0}"#,
        #"{"max_connections":-1}"#,
        #"{"max_connections":10000001}"#, #"{"max_connections":"5"}"#, #"{"max_connections":1.0}"#, #"{"join":"later"}"#, #"{"join":-1}"#,
        #"{"join":10000001}"#,
        #"{"join":1.5}"#, #"{"join":true}"#, #"{"retention":5}"#, #"{"Kind":"backtest"}"#, #"{"":1}"#,
    ])
    func `anything else is refused`(text: String) throws {
        let refusal = #expect(throws: EngineRoutes.Refusal.self) { try parse(text) }
        #expect(refusal?.response.status == .badRequest)
        let body = String(decoding: refusal?.response.body ?? [], as: UTF8.self)
        #expect(body.contains("INVALID_SESSION"))
    }

    @Test(arguments: [
        (#"{"policies":[]}"#, "policies"), (#"{"policies":"latest"}"#, "policies"),
        (#"{"policies":{"candle":"newest"}}"#, "policies.candle"), (#"{"policies":{"candle":"latest","tick":null}}"#, "policies.tick"),
        (#"{"policies":{"candle":1}}"#, "policies.candle"), (#"{"policies":{"candle":"latest","Tick":"latest"}}"#, "policies, position 2"),
        (#"{"policies":{"lost":"latest"}}"#, "policies, position 1"), (#"{"policies":{"":"latest"}}"#, "policies, position 1"),
        (#"{"policies":{"tick":"latest","tick":"latest"}}"#, "policies.tick"),
    ])
    func `a refused policy is told by its place`(text: String, place: String) throws {
        let refusal = #expect(throws: EngineRoutes.Refusal.self) { try parse(text) }
        #expect(refusal?.response.status == .badRequest)
        let text = refusal?.response.body ?? []
        let body = try JSON.parse(text.span)
        #expect(body["error"]?["code"] == "INVALID_SESSION" && body["error"]?["details"]?["place"]?.stringValue == place)
    }

    @Test func `a session has at most 64 policies, and what is named takes the place of those before`() throws {
        func policies(_ count: Int) -> String { (0..<count).map { #""t\#($0)":"latest""# }.joined(separator: ",") }
        let base = try parse("{\"owner\":\"u\",\"policies\":{\(policies(64))}}")
        #expect(base.policies.count == 64)
        #expect(throws: EngineRoutes.Refusal.self) { try parse("{\"policies\":{\(policies(65))}}") }
        let object = try #require(JSON.parse(#"{"policies":{"tick":"latest"}}"#).objectValue)
        #expect(try SessionRegistration.parse(object, changing: base) == SessionRegistration(owner: "u", policies: [Self.tick: .latest]))
    }

    @Test func `an owner has up to 256 bytes`() throws {
        #expect(try parse(#"{"owner":"\#(String(repeating: "é", count: 128))"}"#).owner?.utf8.count == 256)
        #expect(throws: EngineRoutes.Refusal.self) { try parse(#"{"owner":"\#(String(repeating: "a", count: 257))"}"#) }
    }

    @Test func `a refusal names the key by its position, not by the peer's words`() throws {
        let refusal = #expect(throws: EngineRoutes.Refusal.self) { try parse(#"{"kind":"backtest","<script>":1}"#) }
        let body = String(decoding: refusal?.response.body ?? [], as: UTF8.self)
        #expect(body.contains("position 2"))
        #expect(!body.contains("script"))
    }

    @Test func `a session is told with everything known of it`() throws {
        let bare = SessionInfo(id: try SessionID("s"), registration: nil, connections: 0, lastID: nil, oldestID: nil)
        #expect(
            bare.json.encoded
                == #"{"session_id":"s","kind":null,"owner":null,"max_connections":null,"join":null,"policies":{},"registered":false,"connections":0,"epoch":null,"last_id":null,"oldest_id":null}"#
        )
        let full = SessionInfo(
            id: try SessionID("s"),
            registration: SessionRegistration(
                kind: .forward, owner: "u", connectionsMax: 5, join: .latest(3), policies: [Self.tick: .latest, .candle: .deliver]),
            connections: 2,
            lastID: EventID(epoch: try Epoch(parsing: "0123456789abc"), sequence: 9),
            oldestID: EventID(epoch: try Epoch(parsing: "0123456789abc"), sequence: 4))
        #expect(
            full.json.encoded
                == #"{"session_id":"s","kind":"forward","owner":"u","max_connections":5,"join":3,"policies":{"candle":"deliver","tick":"latest"},"registered":true,"connections":2,"epoch":"0123456789abc","last_id":"0123456789abc-9","oldest_id":"0123456789abc-4"}"#
        )
    }
}

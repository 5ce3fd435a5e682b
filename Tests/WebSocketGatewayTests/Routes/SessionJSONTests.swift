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
        (#"{"max_history_events":0}"#, SessionRegistration(history: HistoryLimits(eventsMax: 0))),
        (#"{"max_history_bytes":4096}"#, SessionRegistration(history: HistoryLimits(bytesMax: 4096))),
        (#"{"history_retention_ms":10}"#, SessionRegistration(history: HistoryLimits(retention: .milliseconds(10)))),
        (#"{"kind":null,"owner":null,"max_connections":null,"join":null,"policies":null}"#, SessionRegistration()),
        (#"{"max_history_events":null,"max_history_bytes":null,"history_retention_ms":null}"#, SessionRegistration()),
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
        (#"{"max_history_events":-1}"#, "max_history_events"), (#"{"max_history_events":10000001}"#, "max_history_events"),
        (#"{"max_history_events":"5"}"#, "max_history_events"), (#"{"max_history_bytes":4095}"#, "max_history_bytes"),
        (#"{"max_history_bytes":1099511627777}"#, "max_history_bytes"), (#"{"history_retention_ms":9}"#, "history_retention_ms"),
        (#"{"history_retention_ms":1.5}"#, "history_retention_ms"), (#"{"history_retention_ms":10000000001}"#, "history_retention_ms"),
        (#"{"policies":{"lost":"latest"}}"#, "policies, position 1"), (#"{"policies":{"":"latest"}}"#, "policies, position 1"),
        (#"{"policies":{"tick":"latest","tick":"latest"}}"#, "policies.tick"),
    ])
    func `what is refused is told by its place`(text: String, place: String) throws {
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

    @Test func `what was stored is what is restored`() throws {
        let registration = SessionRegistration(
            kind: .forward, owner: "ü", connectionsMax: 5, join: .latest(3), policies: [Self.tick: .latest],
            history: HistoryLimits(eventsMax: 9, bytesMax: 5000, retention: .milliseconds(1500)))
        #expect(SessionRegistration(stored: registration.stored) == registration)
        #expect(HistoryLimits(registration: registration.stored) == registration.history, "as the store reads it")
        #expect(SessionRegistration(stored: SessionRegistration().stored) == SessionRegistration())
        #expect(!String(decoding: SessionRegistration().stored, as: UTF8.self).contains("history"), "an older gateway reads it")
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
                == #"{"session_id":"s","kind":null,"owner":null,"max_connections":null,"join":null,"policies":{},"max_history_events":null,"max_history_bytes":null,"history_retention_ms":null,"registered":false,"connections":0,"epoch":null,"last_id":null,"oldest_id":null}"#
        )
        let full = SessionInfo(
            id: try SessionID("s"),
            registration: SessionRegistration(
                kind: .forward, owner: "u", connectionsMax: 5, join: .latest(3), policies: [Self.tick: .latest, .candle: .deliver],
                history: HistoryLimits(eventsMax: 0, bytesMax: 4096, retention: .seconds(60))),
            connections: 2,
            lastID: EventID(epoch: try Epoch(parsing: "0123456789abc"), sequence: 9),
            oldestID: EventID(epoch: try Epoch(parsing: "0123456789abc"), sequence: 4))
        #expect(
            full.json.encoded
                == #"{"session_id":"s","kind":"forward","owner":"u","max_connections":5,"join":3,"policies":{"candle":"deliver","tick":"latest"},"max_history_events":0,"max_history_bytes":4096,"history_retention_ms":60000,"registered":true,"connections":2,"epoch":"0123456789abc","last_id":"0123456789abc-9","oldest_id":"0123456789abc-4"}"#
        )
    }
}

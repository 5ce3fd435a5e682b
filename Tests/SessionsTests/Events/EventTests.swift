import Sessions
import Testing

@Suite struct EventTests {
    @Test(
        arguments: [
            (.sessionInitialized(sessionID: "s1", config: ["a": 1]), "session_initialized", #"{"session_id":"s1","config":{"a":1}}"#),
            (.sessionCompleted(resultID: "r1", finalStats: [:]), "session_completed", #"{"result_id":"r1","final_stats":{}}"#),
            (.sessionPaused(), "session_paused", "{}"), (.sessionResumed(["at": 3]), "session_resumed", #"{"at":3}"#),
            (.candle(["open": 1.5], indicators: ["rsi": nil]), "candle", #"{"candle":{"open":1.5},"indicators":{"rsi":null}}"#),
            (.aiThinking("hm"), "ai_thinking", #"{"text":"hm","is_complete":false}"#),
            (.aiThinking("ok", isComplete: true), "ai_thinking", #"{"text":"ok","is_complete":true}"#),
            (.aiDecision(["action": "buy"]), "ai_decision", #"{"action":"buy"}"#),
            (.positionOpened(["p": 1]), "position_opened", #"{"p":1}"#),
            (.positionClosed(["p": 1]), "position_closed", #"{"p":1}"#), (.positionUpdated(["p": 1]), "position_updated", #"{"p":1}"#),
            (.statsUpdate(["pnl": -0.5]), "stats_update", #"{"pnl":-0.5}"#),
            (
                .countdownUpdate(secondsRemaining: 5, nextCandleTime: "2026-03-15T10:30:00Z"), "countdown_update",
                #"{"seconds_remaining":5,"next_candle_time":"2026-03-15T10:30:00Z"}"#
            ),
            (.autoStopTriggered(reason: "loss", stats: [:]), "auto_stop_triggered", #"{"reason":"loss","stats":{}}"#),
            (.indicatorReadiness(["ready": true]), "indicator_readiness", #"{"ready":true}"#),
            (.priceUpdate(["price": 1]), "price_update", #"{"price":1}"#),
            (.heartbeat(), "heartbeat", "{}"),
            (.error(code: "X", message: "no"), "error", #"{"error_code":"X","message":"no","details":{}}"#),
        ] as [(Event, String, String)])
    func `constructors write the existing system's names and fields`(_ event: Event, _ type: String, _ data: String) throws {
        #expect(event.type.rawValue == type)
        #expect(String(decoding: event.data, as: UTF8.self) == data)
        try event.check()
    }

    @Test func `raw data is kept byte for byte`() throws {
        let data = "{ \"price\" : 1.10,\n\"big\":123456789012345678901234567890 }"
        #expect(try Event(type: .priceUpdate, rawData: Array(data.utf8)).data == Array(data.utf8))
    }

    @Test(arguments: ["", "1", "[]", " {}", "{} ", "{}{}", "{", "{\"a\":NaN}", "{\"a\":\"\u{1}\"}"])
    func `raw data that is not one object is refused`(_ data: String) {
        #expect(throws: InvalidEvent.self) { try Event(type: .candle, rawData: Array(data.utf8)) }
    }

    @Test func `keys have 1 to 256 bytes`() throws {
        _ = try Event(type: .candle, rawData: Array("{}".utf8), key: String(repeating: "k", count: 256))
        for key in ["", String(repeating: "k", count: 257)] {
            #expect(throws: InvalidEvent.self) { try Event(type: .candle, rawData: Array("{}".utf8), key: key) }
            #expect(throws: InvalidEvent.self) { try Event(type: .candle, data: [:], key: key).check() }
        }
    }

    @Test func `data nested too deep or too large is found by check`() throws {
        var value: JSON = [:]
        for _ in 0..<62 { value = ["a": value] }
        try Event(type: .candle, data: try #require(value.objectValue)).check()
        let tooDeep: JSONObject = ["a": value]
        #expect(throws: InvalidEvent.self) { try Event(type: .candle, data: tooDeep).check() }
        let large = Event(type: .candle, data: ["a": .string(String(repeating: "x", count: 524_288))])
        #expect(try #require(throws: InvalidEvent.self) { try large.check() }.status == 413)
    }
}

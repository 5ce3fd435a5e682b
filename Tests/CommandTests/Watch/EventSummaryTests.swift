import Testing

@testable import websocket_gateway

@Suite struct EventSummaryTests {
    private func summary(_ type: String, _ data: String) -> String? {
        ReceivedEvent(Array(#"{"type":"\#(type)","data":\#(data),"timestamp":""}"#.utf8)).flatMap(EventSummary.text)
    }

    @Test(arguments: [
        (
            "candle",
            #"{"candle":{"open":1.5,"high":2,"low":1,"close":1.75,"volume":10},"indicators":{"rsi":56.23456,"macd":{"signal":-0.00001}}}"#,
            "o 1.5  h 2  l 1  c 1.75  v 10  | rsi 56.2346  macd.signal -0.00001"
        ),
        (
            "candle", #"{"candle_index":7,"timestamp":"t","open":1,"high":2,"low":0.5,"close":1.5,"volume":3,"indicators":{"ema":1}}"#,
            "#7  o 1  h 2  l 0.5  c 1.5  v 3  | ema 1"
        ),
        ("ai_thinking", #"{"text":"up\nand up","is_complete":true}"#, "up and up"),
        ("ai_thinking", #"{"status":"analyzing"}"#, "status analyzing"),
        ("ai_decision", #"{"confidence":0.8,"action":"LONG","reasoning":"momentum"}"#, "action LONG  confidence 0.8  \"momentum\""),
        ("position_opened", #"{"position":{"size":1,"symbol":"BTC"}}"#, "symbol BTC  size 1"),
        ("position_closed", #"{"pnl":-5.5,"symbol":"BTC"}"#, "symbol BTC  pnl -5.5"),
        ("stats_update", #"{"stats":{"equity":10000.0,"win_rate":0.5}}"#, "equity 10000  win_rate 0.5"),
        ("countdown_update", #"{"seconds_remaining":65,"next_candle_time":"t"}"#, "01:05  next candle t"),
        ("error", #"{"error_code":"E","message":"m","details":{"a":1}}"#, "E: m  a 1"),
        ("error", #"{"message":"m"}"#, "m"),
        (
            "conflated", #"{"ranges":[["0123456789abc-2","0123456789abc-4"]],"types":["stats_update"]}"#,
            #"left out by policy: [["0123456789abc-2","0123456789abc-4"]]"#
        ),
        ("session_completed", #"{"result_id":"r","final_stats":{"pnl":1}}"#, "result_id r  final_stats.pnl 1"),
    ])
    func `each known type has its line, in every shape engines publish`(_ type: String, _ data: String, _ line: String) {
        #expect(summary(type, data) == line)
    }

    @Test(arguments: [
        ("my_type", "{}"), ("candle", #"{"price":1}"#), ("countdown_update", #"{"seconds_remaining":-1}"#),
        ("countdown_update", #"{"seconds_remaining":1e300}"#), ("candle", "[]"),
    ])
    func `what has no known shape has no summary`(_ type: String, _ data: String) {
        #expect(summary(type, data) == nil)
    }

    @Test(arguments: ["ai_thinking", "error", "ai_decision", "position_opened", "session_initialized", "price_update"])
    func `no summary lets a control character through`(_ type: String) {
        let data =
            #"{"text":"\u001b[2J","message":"\u001b[2J","reasoning":"\u001b[2J","\u001b[2J":"\u009b","nested":{"\u001b":["\u0007"]}}"#
        let line = summary(type, data)
        #expect(line != nil)
        #expect(line?.unicodeScalars.contains(where: SafeText.isUnsafe) == false)
    }

    @Test(arguments: [
        (0.0, "0"), (-0.0, "0"), (1.0, "1"), (1.23456, "1.2346"), (-1.5, "-1.5"), (0.00001234, "0.00001234"), (0.000000001, "0"),
        (99_999_999_999.5, "99999999999.5"), (1e11, "100000000000"),
        (1e20, "1e+20"), (0.99999999999, "1"),
    ])
    func `numbers are short and not wrong`(_ value: Double, _ text: String) {
        #expect(EventSummary.number(value) == text)
    }
}

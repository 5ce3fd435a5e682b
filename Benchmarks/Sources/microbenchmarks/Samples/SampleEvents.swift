/// Events as engines publish them: bodies of a publish, and the data in them.
enum SampleEvents {
    /// 256 bytes.
    static let position = text(
        256,
        """
        {"type":"position_updated","data":{"position_id":"pos-000174","side":"long","quantity":0.25,"entry_price":61234.51,\
        "mark_price":61318.07,"unrealized_pnl":20.89,"leverage":3,"liquidation_price":41102.66,"stop_loss":60100.0,"take_profit":63500.0,\
        "tag":"ok"}}
        """)

    /// 4,096 bytes: candles with indicators, other digits in each as in a market's, so that compression finds what it would find there:
    /// what is left is 32 %, as of the candles that DeflateClass and Deflater were settled with.
    static let candles: [UInt8] = {
        var text = "{\"type\":\"candle\",\"data\":{\"candles\":["
        var digits = Digits()
        for index in 0... {
            let candle = digits.candle(index)
            guard text.utf8.count + candle.utf8.count + 1 <= bytes - ending.utf8.count - 2 else { break }
            text += index == 0 ? candle : ",\(candle)"
        }
        text += ending
        text += String(repeating: "x", count: bytes - text.utf8.count - 3) + "\"}}"
        return Self.text(bytes, text)
    }()

    /// Benchmarks are named for how long their input is.
    static func text(_ count: Int, _ text: String) -> [UInt8] {
        let bytes = Array(text.utf8)
        precondition(bytes.count == count, "a sample is as long as it says: \(bytes.count) bytes")
        return bytes
    }

    private static let bytes = 4096
    private static let ending = "],\"source\":\""

    /// Numbers that look like measured ones and are always the same (a linear congruential generator, Knuth's).
    private struct Digits {
        private var state: UInt64 = 42

        private mutating func number(_ whole: Int, decimals: Int) -> String {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let fraction = String(state >> 33)
            return "\(whole + Int(state >> 56)).\(fraction.prefix(decimals))"
        }

        mutating func candle(_ index: Int) -> String {
            """
            {"candle_index":\(index),"timestamp":"2026-03-15T10:\(10 + index):00Z","open":\(number(61_000, decimals: 2)),\
            "high":\(number(61_500, decimals: 2)),"low":\(number(60_500, decimals: 2)),"close":\(number(61_000, decimals: 2)),\
            "volume":\(number(80, decimals: 3)),"indicators":{"rsi":\(number(0, decimals: 4)),"ema_20":\(number(61_000, decimals: 4)),\
            "ema_50":\(number(60_000, decimals: 4)),"macd":{"macd":\(number(10, decimals: 4)),"signal":\(number(10, decimals: 4))},\
            "atr":\(number(200, decimals: 4))}}
            """
        }
    }
}

import Sessions

/// One candle of a synthetic market. Prices are in cents' precision, as published.
struct Candle: Sendable, Equatable {
    let open: Double
    let high: Double
    let low: Double
    let close: Double
    let volume: Double
}

extension Candle {
    /// - Parameter ticks: the prices after the open, in order; the last is the close.
    init(open: Double, ticks: [Double], volume: Double) {
        precondition(!ticks.isEmpty, "a candle has at least its closing tick")
        self.init(open: open, high: max(open, ticks.max()!), low: min(open, ticks.min()!), close: ticks.last!, volume: volume)
    }

    /// The flat shape that engines publish.
    func data(index: Int, time: Timestamp, indicators: Indicators) -> JSONObject {
        [
            "candle_index": .int(Int64(index)), "timestamp": .string(time.iso8601), "open": .double(open), "high": .double(high),
            "low": .double(low), "close": .double(close), "volume": .double(volume), "indicators": .object(indicators.data),
        ]
    }
}

extension Double {
    /// To so many decimals, as prices and amounts are published.
    func rounded(decimals: Int) -> Double {
        var scale = 1.0
        for _ in 0..<decimals { scale *= 10 }
        return (self * scale).rounded() / scale
    }
}

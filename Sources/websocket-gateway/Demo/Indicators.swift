import Sessions

/// What an engine computes over closes: RSI 14 (Wilder), EMA 20, MACD 12/26/9. Nil until enough candles were seen.
struct Indicators: Sendable {
    /// Candles until each is known.
    static let candlesNeeded = [("rsi", 15), ("ema_20", 20), ("macd", 34)]

    private(set) var candles = 0
    private(set) var macd: MACD?
    private var rsi14 = RelativeStrength(period: 14)
    private var average20 = MovingAverage(period: 20)
    private var average12 = MovingAverage(period: 12)
    private var average26 = MovingAverage(period: 26)
    private var signal9 = MovingAverage(period: 9)

    struct MACD: Sendable, Equatable {
        let line: Double
        let signal: Double
        var histogram: Double { line - signal }
    }

    var rsi: Double? { rsi14.value }
    var ema20: Double? { average20.value }
    var isReady: Bool { macd != nil }

    mutating func add(close: Double) {
        candles += 1
        rsi14.add(close)
        average20.add(close)
        average12.add(close)
        average26.add(close)
        guard let fast = average12.value, let slow = average26.value else { return }
        let line = fast - slow
        signal9.add(line)
        macd = signal9.value.map { MACD(line: line, signal: $0) }
    }
}

extension Indicators {
    /// As a candle carries them.
    var data: JSONObject {
        let lines = macd.map { macd -> JSON in
            ["macd": Self.json(macd.line), "signal": Self.json(macd.signal), "histogram": Self.json(macd.histogram)]
        }
        return ["rsi": Self.json(rsi), "ema_20": Self.json(ema20), "macd": lines ?? .null]
    }

    /// The data of `indicator_readiness`.
    var readiness: JSONObject {
        let each = Self.candlesNeeded.map { name, needed -> (String, JSON) in
            let state: JSONObject = [
                "ready": .bool(candles >= needed), "candles": .int(Int64(min(candles, needed))), "candles_needed": .int(Int64(needed)),
            ]
            return (name, .object(state))
        }
        return ["ready": .bool(isReady), "indicators": .object(JSONObject(each))]
    }

    private static func json(_ value: Double?) -> JSON { value.map { .double($0.rounded(decimals: 4)) } ?? .null }
}

/// An exponential moving average that begins with the plain average of its first `period` values.
struct MovingAverage: Sendable {
    private(set) var value: Double?
    private let period: Int
    private var sum = 0.0
    private var count = 0

    init(period: Int) { self.period = period }

    mutating func add(_ new: Double) {
        if let old = value {
            value = old + (new - old) * 2 / Double(period + 1)
        } else {
            sum += new
            count += 1
            if count == period { value = sum / Double(period) }
        }
    }
}

/// Wilder's relative strength index: 0 when every change was down, 100 when every change was up.
struct RelativeStrength: Sendable {
    private let period: Double
    private var last: Double?
    private var changes = 0.0
    private var gain = 0.0
    private var loss = 0.0

    init(period: Int) { self.period = Double(period) }

    var value: Double? {
        guard changes >= period else { return nil }
        return gain + loss == 0 ? 50 : 100 * gain / (gain + loss)
    }

    mutating func add(_ price: Double) {
        defer { last = price }
        guard let last else { return }
        changes += 1
        // The plain average of the first changes, Wilder's smoothing from then on.
        let weight = 1 / min(changes, period)
        gain += (max(0, price - last) - gain) * weight
        loss += (max(0, last - price) - loss) * weight
    }
}

import Sessions

/// What the synthetic agent makes of a candle.
struct Decision: Sendable {
    enum Action: Sendable, Equatable {
        case open(Side, stopLoss: Double, takeProfit: Double, percent: Double)
        case hold
        case close
    }

    let action: Action
    let confidence: Double
    /// The whole text of the thinking pieces before it.
    let reasoning: String

    var data: JSONObject {
        switch action {
        case .open(let side, let stop, let target, let percent): data(side.rawValue, .double(stop), .double(target), .double(percent))
        case .hold: data("HOLD", .null, .null, 0)
        case .close: data("CLOSE", .null, .null, 0)
        }
    }

    private func data(_ action: String, _ stopLoss: JSON, _ takeProfit: JSON, _ percent: JSON) -> JSONObject {
        [
            "action": .string(action), "confidence": .double(confidence), "reasoning": .string(reasoning), "stop_loss_price": stopLoss,
            "take_profit_price": takeProfit, "size_percentage": percent,
        ]
    }
}

/// A plain momentum strategy that talks like an agent: enough to open, hold and close positions for reasons one can follow.
struct Strategy: Sendable {
    private var generator: SeededGenerator
    private var candlesHeld = 0
    /// Stop and target, relative to the entry.
    private let stopDistance: Double
    private let targetDistance: Double

    init(seed: UInt64, volatility: Double) {
        generator = SeededGenerator(seed: seed ^ 0x5354_5241_5445_4759)
        stopDistance = 2.5 * volatility
        targetDistance = 4 * volatility
    }

    /// Nil until the indicators are ready.
    mutating func decide(close: Double, _ indicators: Indicators, _ position: Position?) -> Decision? {
        guard let rsi = indicators.rsi, let macd = indicators.macd, let ema = indicators.ema20 else { return nil }
        let side: Side = macd.histogram > 0 ? .long : .short
        let action = action(rsi: rsi, side: side, close: close, position)
        let sentences = [
            "RSI is \(rsi.rounded(decimals: 1)), \(rsi > 65 ? "close to overbought" : rsi < 35 ? "close to oversold" : "in its middle range").",
            "Price is \(close >= ema ? "above" : "below") the EMA 20 and the MACD histogram is \(side == .long ? "positive" : "negative").",
            Self.conclusion(action, position),
        ]
        let confidence = Double.random(in: action == .hold ? 0.4...0.7 : 0.6...0.95, using: &generator).rounded(decimals: 2)
        return Decision(action: action, confidence: confidence, reasoning: sentences.joined(separator: " "))
    }

    private mutating func action(rsi: Double, side: Side, close: Double, _ position: Position?) -> Decision.Action {
        let chance = Double.random(in: 0..<1, using: &generator)
        if let position {
            candlesHeld += 1
            return position.side != side && chance < 0.4 || candlesHeld > 12 && chance < 0.2 ? .close : .hold
        }
        let isStretched = side == .long ? rsi > 70 : rsi < 30
        guard !isStretched, chance < 0.3 else { return .hold }
        candlesHeld = 0
        return .open(
            side, stopLoss: (close * (1 - side.sign * stopDistance)).rounded(decimals: 2),
            takeProfit: (close * (1 + side.sign * targetDistance)).rounded(decimals: 2),
            percent: Double.random(in: 10...30, using: &generator).rounded(decimals: 1))
    }

    private static func conclusion(_ action: Decision.Action, _ position: Position?) -> String {
        switch (action, position) {
        case (.open(let side, let stop, let target, _), _): "Going \(side.rawValue) with a stop at \(stop) and a target at \(target)."
        case (.hold, let position?): "Momentum still carries the \(position.side.rawValue) position: holding it."
        case (.hold, nil): "No clear edge yet: staying out of the market."
        case (.close, _): "The reason for the position is gone: closing it."
        }
    }
}

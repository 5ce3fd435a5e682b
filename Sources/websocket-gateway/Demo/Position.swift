import Sessions

enum Side: String, Sendable {
    case long = "LONG"
    case short = "SHORT"

    var sign: Double { self == .long ? 1 : -1 }
}

/// An open position.
struct Position: Sendable, Equatable {
    let number: Int
    let side: Side
    let entry: Double
    let quantity: Double
    let stopLoss: Double
    let takeProfit: Double
    let openedAt: Timestamp

    func pnl(at price: Double) -> Double { ((price - entry) * quantity * side.sign).rounded(decimals: 2) }

    func isStopped(low: Double, high: Double) -> Bool { side == .long ? low <= stopLoss : high >= stopLoss }
    func reachesTarget(low: Double, high: Double) -> Bool { side == .long ? high >= takeProfit : low <= takeProfit }

    var data: JSONObject {
        [
            "position_id": .string("position-\(number)"), "side": .string(side.rawValue), "entry_price": .double(entry),
            "size": .double(quantity), "stop_loss_price": .double(stopLoss), "take_profit_price": .double(takeProfit),
            "opened_at": .string(openedAt.iso8601),
        ]
    }
}

/// A position that was closed.
struct Trade: Sendable, Equatable {
    enum Reason: String, Sendable {
        case stopLoss = "stop_loss"
        case takeProfit = "take_profit"
        case decision = "ai_decision"
        case sessionEnd = "session_end"
    }

    let position: Position
    let exit: Double
    let reason: Reason
    let closedAt: Timestamp

    var pnl: Double { position.pnl(at: exit) }

    var data: JSONObject {
        var data = position.data
        data["exit_price"] = .double(exit)
        data["pnl"] = .double(pnl)
        data["pnl_pct"] = .double((pnl / (position.entry * position.quantity) * 100).rounded(decimals: 4))
        data["reason"] = .string(reason.rawValue)
        data["closed_at"] = .string(closedAt.iso8601)
        return data
    }
}

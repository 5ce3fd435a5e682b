import Sessions

/// The books of a synthetic session: one position at a time, no fees. Every number it publishes follows from the prices.
struct Account: Sendable {
    static let startingCapital = 10_000.0

    private(set) var position: Position?
    private(set) var trades = 0
    private(set) var wins = 0
    private var realized = 0.0
    private var peakEquity = startingCapital
    private var maxDrawdownPercent = 0.0
    private var price: Double

    init(price: Double) { self.price = price }

    var equity: Double { (Self.startingCapital + realized + (position?.pnl(at: price) ?? 0)).rounded(decimals: 2) }

    mutating func open(_ side: Side, percent: Double, stopLoss: Double, takeProfit: Double, time: Timestamp) -> Position {
        precondition(position == nil, "one position at a time")
        let quantity = (equity * percent / 100 / price).rounded(decimals: 6)
        let opened = Position(
            number: trades + 1, side: side, entry: price, quantity: quantity, stopLoss: stopLoss, takeProfit: takeProfit, openedAt: time)
        position = opened
        return opened
    }

    /// Moves to a new price. A position whose stop or target lay on the way is closed there.
    mutating func move(low: Double, high: Double, price: Double, time: Timestamp) -> Trade? {
        self.price = price
        defer { noteDrawdown() }
        guard let position else { return nil }
        // Where a candle crossed both, nobody knows which came first: count the worse one.
        if position.isStopped(low: low, high: high) { return close(at: position.stopLoss, .stopLoss, time: time) }
        return position.reachesTarget(low: low, high: high) ? close(at: position.takeProfit, .takeProfit, time: time) : nil
    }

    mutating func close(_ reason: Trade.Reason, time: Timestamp) -> Trade? {
        defer { noteDrawdown() }
        return close(at: price, reason, time: time)
    }

    private mutating func close(at exit: Double, _ reason: Trade.Reason, time: Timestamp) -> Trade? {
        guard let closed = position else { return nil }
        let trade = Trade(position: closed, exit: exit, reason: reason, closedAt: time)
        realized = (realized + trade.pnl).rounded(decimals: 2)
        trades += 1
        if trade.pnl > 0 { wins += 1 }
        position = nil
        return trade
    }

    private mutating func noteDrawdown() {
        peakEquity = max(peakEquity, equity)
        maxDrawdownPercent = max(maxDrawdownPercent, (peakEquity - equity) / peakEquity * 100)
    }
}

extension Account {
    /// The data of `stats_update`. `total_pnl` is what closed trades brought; `current_equity` counts the open position too.
    var stats: JSONObject {
        [
            "current_equity": .double(equity), "total_pnl": .double(realized),
            "total_pnl_pct": .double((realized / Self.startingCapital * 100).rounded(decimals: 4)),
            "unrealized_pnl": .double(position?.pnl(at: price) ?? 0), "total_trades": .int(Int64(trades)),
            "winning_trades": .int(Int64(wins)), "losing_trades": .int(Int64(trades - wins)),
            "win_rate": .double(trades == 0 ? 0 : (Double(wins) / Double(trades) * 100).rounded(decimals: 2)),
            "max_drawdown": .double(maxDrawdownPercent.rounded(decimals: 4)),
        ]
    }

    /// The data of `position_updated`.
    var positionUpdate: JSONObject? {
        guard let position else { return nil }
        let pnl = position.pnl(at: price)
        var data = position.data
        data["current_price"] = .double(price)
        data["unrealized_pnl"] = .double(pnl)
        data["unrealized_pnl_pct"] = .double((pnl / (position.entry * position.quantity) * 100).rounded(decimals: 4))
        return data
    }
}

import Sessions

/// Everything one backtest publishes, from `session_initialized` to `session_completed`. A value: the same seed gives the same events.
struct BacktestScript: Sequence, Sendable {
    static let candlesTotal = 200
    static let candleInterval: Duration = .milliseconds(700)
    /// Loaded before the first candle, so that the indicators are known from it on.
    static let warmUpCandles = 60

    let seed: UInt64

    func makeIterator() -> Iterator { Iterator(seed: seed) }

    struct Iterator: IteratorProtocol, Sendable {
        private static let volatility = 0.005
        /// 2026-01-01T00:00:00Z.
        private static let start: Int64 = 1_767_225_600_000_000
        private static let hour: Int64 = 3_600_000_000

        private let seed: UInt64
        private var walk: PriceWalk
        private var strategy: Strategy
        private var indicators = Indicators()
        private var account: Account
        private var candle = 0
        private var pending: ArraySlice<ScriptStep> = []
        private var isOver = false

        init(seed: UInt64) {
            self.seed = seed
            walk = PriceWalk(seed: seed, volatility: Self.volatility, ticksPerCandle: 8)
            strategy = Strategy(seed: seed, volatility: Self.volatility)
            for _ in 0..<BacktestScript.warmUpCandles { indicators.add(close: walk.candle().candle.close) }
            account = Account(price: walk.price)
            pending = [ScriptStep(delay: .zero, event: Self.initialized(seed))]
        }

        mutating func next() -> ScriptStep? {
            if pending.isEmpty, !isOver { pending = candle < BacktestScript.candlesTotal ? nextCandle() : ending() }
            return pending.popFirst()
        }

        private mutating func nextCandle() -> ArraySlice<ScriptStep> {
            let time = Timestamp(microsecondsSince1970: Self.start + Int64(candle) * Self.hour)
            let (new, _) = walk.candle()
            indicators.add(close: new.close)

            var builder = StepBuilder()
            if let trade = account.move(low: new.low, high: new.high, price: new.close, time: time) {
                builder.add(.positionClosed(trade.data))
            }
            if let update = account.positionUpdate { builder.add(.positionUpdated(update)) }
            if let decision = strategy.decide(close: new.close, indicators, account.position) {
                builder.add(decision, candle: candle, time: time, &account)
            }
            builder.add(.statsUpdate(account.stats))

            // The candle comes first, and waits for what is left of its interval.
            let wait = Swift.max(BacktestScript.candleInterval - builder.duration, .milliseconds(20))
            let data = new.data(index: candle, time: time, indicators: indicators)
            candle += 1
            return [ScriptStep(delay: wait, event: Event(type: .candle, data: data))] + builder.steps
        }

        private mutating func ending() -> ArraySlice<ScriptStep> {
            isOver = true
            var builder = StepBuilder()
            let time = Timestamp(microsecondsSince1970: Self.start + Int64(candle) * Self.hour)
            if let trade = account.close(.sessionEnd, time: time) {
                builder.add(after: StepBuilder.thinkingInterval, .positionClosed(trade.data))
                builder.add(.statsUpdate(account.stats))
            }
            builder.add(after: StepBuilder.thinkingInterval, .sessionCompleted(resultID: "result-\(seed)", finalStats: account.stats))
            return builder.steps[...]
        }

        private static func initialized(_ seed: UInt64) -> Event {
            Event(
                type: .sessionInitialized,
                data: [
                    "session_id": .string(DemoEngines.backtestID), "agent_name": "Momentum Demo", "agent_mode": "omni", "asset": "BTC/USDT",
                    "timeframe": "1h", "total_candles": .int(Int64(BacktestScript.candlesTotal)),
                    "starting_capital": .double(Account.startingCapital), "seed": .string(String(seed)),
                ])
        }
    }
}

import Sessions

/// Everything one forward test publishes, second by second: countdowns and prices, a candle at each close, and what the agent makes of it.
/// A value: the same seed and start give the same events.
struct ForwardScript: Sequence, Sendable {
    static let secondsPerCandle = 15
    /// An hour, after which the engine stops by itself.
    static let candlesTotal = 240
    /// Loaded at the start: some indicators still lack a few candles, as `indicator_readiness` tells.
    static let warmUpCandles = 32

    let seed: UInt64
    let start: Timestamp

    func makeIterator() -> Iterator { Iterator(seed: seed, start: start) }

    struct Iterator: IteratorProtocol, Sendable {
        private static let volatility = 0.0012
        private static let second: Duration = .seconds(1)

        private let start: Timestamp
        private var walk: PriceWalk
        private var strategy: Strategy
        private var indicators = Indicators()
        private var account: Account
        /// The candle that is being formed.
        private var open = 0.0
        private var ticks: [Double] = []
        private var volume = 0.0
        private var candle = 0
        /// Seconds of it that are over.
        private var seconds = 0
        /// Time the agent's words took out of the second that follows.
        private var spent: Duration = .zero
        private var pending: ArraySlice<ScriptStep> = []
        private var isOver = false

        init(seed: UInt64, start: Timestamp) {
            self.start = start
            walk = PriceWalk(seed: seed, volatility: Self.volatility, ticksPerCandle: ForwardScript.secondsPerCandle)
            strategy = Strategy(seed: seed, volatility: Self.volatility)
            for _ in 0..<ForwardScript.warmUpCandles { indicators.add(close: walk.candle().candle.close) }
            account = Account(price: walk.price)
            beginCandle()
            pending = [
                ScriptStep(delay: .zero, event: Self.initialized(seed)),
                ScriptStep(delay: .zero, event: .indicatorReadiness(indicators.readiness)),
            ]
        }

        mutating func next() -> ScriptStep? {
            if pending.isEmpty, !isOver { pending = candle < ForwardScript.candlesTotal ? nextSecond() : ending() }
            return pending.popFirst()
        }

        private mutating func beginCandle() {
            let (new, ticks) = walk.candle()
            open = new.open
            volume = new.volume
            self.ticks = ticks
            seconds = 0
        }

        private func time(candle: Int, second: Int = 0) -> Timestamp {
            let seconds = candle * ForwardScript.secondsPerCandle + second
            return Timestamp(microsecondsSince1970: start.microsecondsSince1970 + Int64(seconds) * 1_000_000)
        }

        private mutating func nextSecond() -> ArraySlice<ScriptStep> {
            let price = ticks[seconds]
            seconds += 1
            let now = time(candle: candle, second: seconds)
            var builder = StepBuilder()
            builder.add(
                after: Self.second - spent, .priceUpdate(["asset": "BTC/USDT", "price": .double(price), "timestamp": .string(now.iso8601)]))
            spent = .zero
            if let trade = account.move(low: price, high: price, price: price, time: now) {
                builder.add(.positionClosed(trade.data))
                builder.add(.statsUpdate(account.stats))
            }
            if let update = account.positionUpdate { builder.add(.positionUpdated(update)) }
            let left = ForwardScript.secondsPerCandle - seconds
            if left > 0 {
                builder.add(.countdownUpdate(secondsRemaining: left, nextCandleTime: time(candle: candle + 1).iso8601))
            } else {
                closeCandle(&builder, now: now)
            }
            return builder.steps[...]
        }

        private mutating func closeCandle(_ builder: inout StepBuilder, now: Timestamp) {
            let closed = Candle(open: open, ticks: ticks, volume: volume)
            let wasReady = indicators.isReady
            indicators.add(close: closed.close)
            builder.add(Event(type: .candle, data: closed.data(index: candle, time: time(candle: candle), indicators: indicators)))
            if !wasReady { builder.add(.indicatorReadiness(indicators.readiness)) }
            let before = builder.duration
            if let decision = strategy.decide(close: closed.close, indicators, account.position) {
                builder.add(decision, candle: candle, time: now, &account)
            }
            builder.add(.statsUpdate(account.stats))
            spent = Swift.min(builder.duration - before, Self.second)
            candle += 1
            beginCandle()
        }

        private mutating func ending() -> ArraySlice<ScriptStep> {
            isOver = true
            var builder = StepBuilder()
            if let trade = account.close(.sessionEnd, time: time(candle: candle)) {
                builder.add(after: StepBuilder.thinkingInterval, .positionClosed(trade.data))
                builder.add(.statsUpdate(account.stats))
            }
            builder.add(after: StepBuilder.thinkingInterval, .autoStopTriggered(reason: "duration_reached", stats: account.stats))
            return builder.steps[...]
        }

        private static func initialized(_ seed: UInt64) -> Event {
            Event(
                type: .sessionInitialized,
                data: [
                    "session_id": .string(DemoEngines.forwardID), "agent_name": "Momentum Demo", "agent_mode": "omni", "asset": "BTC/USDT",
                    "timeframe": .string("\(ForwardScript.secondsPerCandle)s"), "starting_capital": .double(Account.startingCapital),
                    "seed": .string(String(seed)),
                ])
        }
    }
}

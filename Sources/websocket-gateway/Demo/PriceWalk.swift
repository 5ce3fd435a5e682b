/// A seeded random walk with moods: some hours drift up, some down, so that a strategy has something to find.
struct PriceWalk: Sendable {
    private(set) var price: Double
    private var generator: SeededGenerator
    /// Relative change expected per candle.
    private var drift = 0.0
    /// Relative standard deviation of a candle's change.
    private let volatility: Double
    private let ticksPerCandle: Int

    init(seed: UInt64, volatility: Double, ticksPerCandle: Int) {
        generator = SeededGenerator(seed: seed)
        self.volatility = volatility
        self.ticksPerCandle = ticksPerCandle
        price = Double.random(in: 55_000...75_000, using: &generator).rounded(decimals: 2)
    }

    /// The next candle's prices after its open, which is the price before; the last one is the close.
    mutating func ticks() -> [Double] {
        if Double.random(in: 0..<1, using: &generator) < 0.08 { drift = Double.random(in: -0.4...0.4, using: &generator) * volatility }
        let share = 1 / Double(ticksPerCandle)
        return (0..<ticksPerCandle).map { _ in
            price = (price * (1 + drift * share + volatility * share.squareRoot() * normal())).rounded(decimals: 2)
            return price
        }
    }

    mutating func candle() -> (candle: Candle, ticks: [Double]) {
        let open = price
        let ticks = ticks()
        let range = abs(ticks.last! / open - 1) / volatility
        let volume = (Double.random(in: 40...120, using: &generator) * (1 + range)).rounded(decimals: 3)
        return (Candle(open: open, ticks: ticks, volume: volume), ticks)
    }

    /// Nearly normal with variance 1, and within ±3.5: the sum of four uniforms needs no logarithm.
    private mutating func normal() -> Double {
        var sum = 0.0
        for _ in 0..<4 { sum += Double.random(in: -1...1, using: &generator) }
        return sum * 0.75.squareRoot()
    }
}

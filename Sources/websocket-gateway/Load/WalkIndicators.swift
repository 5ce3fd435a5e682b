/// What an engine computes over a walk's candles, in ten-thousandths. Integers, and begun as if the walk had gone on for long: the demo's
/// indicators are exact and need 34 candles before they say anything.
struct WalkIndicators {
    private var average12: Int
    private var average20: Int
    private var average26: Int
    private var average50: Int
    private var signal: Int
    private var gain = 200_000
    private var loss = 200_000
    private var trueRange = 600_000
    private var deviation = 800_000

    /// - Parameter price: in cents.
    init(price: Int, using random: inout SeededGenerator) {
        let middle = price * 100
        average12 = middle + random.step(400_000)
        average20 = middle + random.step(700_000)
        average26 = middle + random.step(900_000)
        average50 = middle + random.step(2_000_000)
        signal = average12 - average26 + random.step(200_000)
    }

    /// One candle more; prices in cents.
    mutating func follow(from open: Int, high: Int, low: Int, to close: Int) {
        let price = close * 100
        average12 += (price - average12) * 2 / 13
        average20 += (price - average20) * 2 / 21
        average26 += (price - average26) * 2 / 27
        average50 += (price - average50) * 2 / 51
        signal += (average12 - average26 - signal) * 2 / 10
        gain += (max(0, close - open) * 100 - gain) / 14
        loss += (max(0, open - close) * 100 - loss) / 14
        trueRange += ((high - low) * 100 - trueRange) / 14
        deviation += (abs(price - average20) - deviation) / 20
    }

    func append(to bytes: inout [UInt8]) {
        let line = average12 - average26
        bytes.append(text: "{\"rsi\":")
        bytes.append(fixed: gain + loss == 0 ? 500_000 : gain * 1_000_000 / (gain + loss), decimals: 4)
        bytes.append(text: ",\"ema_20\":")
        bytes.append(fixed: average20, decimals: 4)
        bytes.append(text: ",\"ema_50\":")
        bytes.append(fixed: average50, decimals: 4)
        bytes.append(text: ",\"macd\":{\"macd\":")
        bytes.append(fixed: line, decimals: 4)
        bytes.append(text: ",\"signal\":")
        bytes.append(fixed: signal, decimals: 4)
        bytes.append(text: ",\"histogram\":")
        bytes.append(fixed: line - signal, decimals: 4)
        bytes.append(text: "},\"bollinger\":{\"upper\":")
        bytes.append(fixed: average20 + 2 * deviation, decimals: 4)
        bytes.append(text: ",\"middle\":")
        bytes.append(fixed: average20, decimals: 4)
        bytes.append(text: ",\"lower\":")
        bytes.append(fixed: average20 - 2 * deviation, decimals: 4)
        bytes.append(text: "},\"atr\":")
        bytes.append(fixed: trueRange, decimals: 4)
        bytes.append(UInt8(ascii: "}"))
    }
}

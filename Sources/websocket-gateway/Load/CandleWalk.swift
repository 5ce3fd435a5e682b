import Sessions

/// A market's walk as candles with their indicators, written straight to bytes: a load tool makes thousands of events a second and has other
/// things to do. Seeded by the event's sequence: every event has numbers of its own, and can be written again.
///
///     ,"candles":[{"candle_index":7,"timestamp":"2026-03-15T00:07:00Z","open":61234.51,…,"indicators":{…}},…],"ticks":[61240.18,…]}
///
/// Integers only: prices in cents, indicators in ten-thousandths, two and four decimals as engines round them.
struct CandleWalk {
    private var random: SeededGenerator
    private var index: UInt64
    private var price: Int
    private var indicators: WalkIndicators

    /// As many candles as fit, and prices up to the last byte.
    static func filling(sequence: UInt64, count: Int) -> [UInt8] {
        var walk = CandleWalk(sequence: sequence)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count + candleBytesMax)
        bytes.append(text: ",\"candles\":[")
        let start = bytes.count
        var end = start
        while true {
            if end > start { bytes.append(UInt8(ascii: ",")) }
            walk.appendCandle(to: &bytes)
            guard bytes.count + ticksBytesMin <= count else { break }
            end = bytes.count
        }
        bytes.removeSubrange(end...)
        walk.appendTicks(to: &bytes, upTo: count)
        return bytes
    }

    private init(sequence: UInt64) {
        random = SeededGenerator(seed: sequence)
        index = sequence
        price = 5_500_000 + Int(random.next() % 2_000_000)
        indicators = WalkIndicators(price: price, using: &random)
    }

    /// More than any candle has: 23 numbers and their names.
    private static let candleBytesMax = 512

    // MARK: Candles

    /// A trade: at most 0.1 % up or down.
    private mutating func trade() { price += random.step(price / 1000) }

    private mutating func appendCandle(to bytes: inout [UInt8]) {
        let open = price
        var (high, low) = (open, open)
        for _ in 0..<4 {
            trade()
            high = max(high, price)
            low = min(low, price)
        }
        indicators.follow(from: open, high: high, low: low, to: price)
        // Any sequence is a number that JSON readers take, and a minute of a year with four digits.
        let minute = index % 1_000_000_000
        bytes.append(text: "{\"candle_index\":")
        bytes.append(decimal: minute)
        bytes.append(text: ",\"timestamp\":\"")
        Self.appendTime(minute, to: &bytes)
        bytes.append(text: "\",\"open\":")
        bytes.append(fixed: open, decimals: 2)
        bytes.append(text: ",\"high\":")
        bytes.append(fixed: high, decimals: 2)
        bytes.append(text: ",\"low\":")
        bytes.append(fixed: low, decimals: 2)
        bytes.append(text: ",\"close\":")
        bytes.append(fixed: price, decimals: 2)
        bytes.append(text: ",\"volume\":")
        bytes.append(fixed: 80_000 + random.step(40_000), decimals: 3)
        bytes.append(text: ",\"indicators\":")
        indicators.append(to: &bytes)
        bytes.append(UInt8(ascii: "}"))
        index &+= 1
    }

    /// `2026-03-15T10:30:00Z`.
    private static func appendTime(_ minute: UInt64, to bytes: inout [UInt8]) {
        // 2026-01-01T00:00:00Z.
        let start: Int64 = 1_767_225_600_000_000
        Timestamp(microsecondsSince1970: start + Int64(minute) * 60_000_000).append(to: &bytes)
        bytes.removeLast(".000000Z".utf8.count)
        bytes.append(UInt8(ascii: "Z"))
    }

    // MARK: Ticks

    /// `],"ticks":[`, one digit, `]}`.
    private static let ticksBytesMin = 14
    private static let lastTickBytesMax = 24

    private mutating func appendTicks(to bytes: inout [UInt8], upTo count: Int) {
        bytes.append(text: "],\"ticks\":[")
        let end = count - 2
        while end - bytes.count > Self.lastTickBytesMax {
            trade()
            bytes.append(fixed: price, decimals: 2)
            bytes.append(UInt8(ascii: ","))
        }
        appendLastTick(to: &bytes, upTo: end)
        bytes.append(text: "]}")
        precondition(bytes.count == count, "the filling has the length asked for")
    }

    /// A price with as many decimals as it takes to come out at the byte; where not even its two fit, a whole number.
    private mutating func appendLastTick(to bytes: inout [UInt8], upTo end: Int) {
        trade()
        var tick: [UInt8] = []
        tick.append(fixed: price, decimals: 2)
        let room = end - bytes.count
        if room >= tick.count {
            bytes.append(contentsOf: tick)
            bytes.append(digits: random.next(), count: end - bytes.count)
        } else {
            bytes.append(UInt8(ascii: "1"))
            bytes.append(digits: random.next(), count: room - 1)
        }
    }
}

extension SeededGenerator {
    /// Evenly between `-most` and `most`.
    mutating func step(_ most: Int) -> Int { Int(next() % UInt64(2 * most + 1)) - most }
}

import Sessions
import Testing
import WebSocket

@testable import websocket_gateway

@Suite struct CandleWalkTests {
    private func text(_ sequence: UInt64, _ count: Int) -> String {
        String(decoding: CandleWalk.filling(sequence: sequence, count: count), as: UTF8.self)
    }

    private func data(_ sequence: UInt64, _ count: Int) throws -> JSON {
        let object = Array(("{\"sequence\":1" + text(sequence, count)).utf8)
        return try JSON.parse(object.span)
    }

    /// From what the smallest event leaves after the longest numbers on, every remainder that candles and ticks can leave.
    @Test func `the filling is as long as asked for, to the byte, and holds a candle at least`() throws {
        let least = LoadPayload.candles.dataBytesMin - 80
        for count in least...least + 450 {
            let sequence = count % 2 == 0 ? UInt64(count) : UInt64.max - UInt64(count)
            #expect(text(sequence, count).utf8.count == count)
            let data = try data(sequence, count)
            #expect(data["candles"]?.arrayValue?.isEmpty == false)
            #expect(data["ticks"]?.arrayValue?.isEmpty == false)
        }
        #expect(text(1, LoadEvent.dataBytesMax).utf8.count == LoadEvent.dataBytesMax)
    }

    @Test func `the same sequence gives the same candles, another one others`() {
        #expect(text(7, 4000) == text(7, 4000))
        #expect(Set((1...1000).map { text(UInt64($0), 600) }).count == 1000)
    }

    @Test func `candles follow each other as a market's do`() throws {
        for sequence in [1, 99, 12_345, UInt64(Int64.max)] {
            let candles = try #require(try data(sequence, 20_000)["candles"]?.arrayValue)
            #expect(candles.count > 40)
            for (before, candle) in zip(candles, candles.dropFirst()) {
                #expect(candle["open"] == before["close"])
                #expect(number(candle, "candle_index") == number(before, "candle_index") + 1)
                #expect(try time(candle) - time(before) == 60_000_000)
            }
            for candle in candles {
                let (open, high, low, close) = (
                    number(candle, "open"), number(candle, "high"), number(candle, "low"), number(candle, "close")
                )
                #expect(low <= min(open, close) && high >= max(open, close))
                #expect(number(candle, "volume") > 0)
            }
        }
    }

    @Test func `indicators belong to their candle`() throws {
        let candles = try #require(try data(5, 20_000)["candles"]?.arrayValue)
        for candle in candles {
            let indicators = try #require(candle["indicators"])
            let price = number(candle, "close")
            #expect((0...100).contains(number(indicators, "rsi")))
            #expect(number(indicators, "atr") > 0)
            for name in ["ema_20", "ema_50"] { #expect(abs(number(indicators, name) - price) < price * 0.05) }
            let (macd, bands) = (try #require(indicators["macd"]), try #require(indicators["bollinger"]))
            #expect(abs(number(macd, "macd") - number(macd, "signal") - number(macd, "histogram")) < 0.00005)
            #expect(abs(number(bands, "upper") + number(bands, "lower") - 2 * number(bands, "middle")) < 0.0005)
            #expect(number(bands, "upper") > number(bands, "lower"))
        }
        #expect(Set(candles.map { number($0["indicators"] ?? .null, "rsi") }).count == candles.count)
    }

    /// What engines' candles were measured to shrink to: 32 to 35 %. Data that compressed better would flatter the gateway.
    @Test func `4 KB of them deflate to about a third`() throws {
        let deflater = try #require(Deflater(.window12))
        var (plain, wire) = (0, 0)
        for sequence in 1...100 as ClosedRange<UInt64> {
            let body = LoadEvent(payload: .candles, dataBytes: 4096).body(sequence: sequence, sentAt: 123_456_789_012_345)
            plain += body.count
            let compressed = deflater.deflate(body.span)
            wire += try #require(compressed).count
        }
        let ratio = Double(wire) / Double(plain)
        #expect((0.32...0.36).contains(ratio), "\(ratio)")
    }

    private func number(_ object: JSON, _ name: String) -> Double { object[name]?.doubleValue ?? .nan }

    private func time(_ candle: JSON) throws -> Int64 {
        let text = try #require(candle["timestamp"]?.stringValue)
        return try #require(Timestamp.parse(text)).microsecondsSince1970
    }
}

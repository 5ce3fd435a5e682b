import Sessions
import Testing

@testable import websocket_gateway

@Suite struct IndicatorsTests {
    @Test func `a rising market has RSI 100, a flat one 50, a falling one 0`() {
        for (step, expected) in [(1.0, 100.0), (0, 50), (-1, 0)] {
            var rsi = RelativeStrength(period: 14)
            for index in 0..<20 { rsi.add(100 + step * Double(index)) }
            #expect(rsi.value == expected)
        }
    }

    /// The example of StockCharts' ChartSchool, from its closes as printed: the averages by hand give 70.46 and 66.25.
    @Test func `RSI 14 is Wilder's`() throws {
        let closes = [
            44.34, 44.09, 44.15, 43.61, 44.33, 44.83, 45.10, 45.42, 45.84, 46.08, 45.89, 46.03, 45.61, 46.28, 46.28, 46.00,
        ]
        var rsi = RelativeStrength(period: 14)
        var values: [Double?] = []
        for close in closes {
            rsi.add(close)
            values.append(rsi.value?.rounded(decimals: 2))
        }
        #expect(values.prefix(14).allSatisfy { $0 == nil })
        #expect(values.suffix(2) == [70.46, 66.25])
    }

    @Test func `an average begins with the plain average and then moves by 2 / (period + 1)`() {
        var average = MovingAverage(period: 3)
        for value in [1.0, 2, 6] { average.add(value) }
        #expect(average.value == 3)
        average.add(7)
        #expect(average.value == 5)
    }

    @Test func `indicators are null until they are known`() {
        var indicators = Indicators()
        for candle in 1...34 {
            indicators.add(close: Double(candle))
            for (name, needed) in Indicators.candlesNeeded {
                #expect((indicators.data[name] != .null) == (candle >= needed), "\(name) at \(candle)")
            }
        }
        #expect(indicators.isReady)
    }
}

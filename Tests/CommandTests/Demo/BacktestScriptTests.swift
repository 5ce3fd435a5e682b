import Sessions
import Testing

@testable import websocket_gateway

@Suite struct BacktestScriptTests {
    @Test(arguments: [1, 2, 42, .max] as [UInt64])
    func `every number follows from the prices`(seed: UInt64) throws {
        var books = Bookkeeper()
        for told in try Told.all(BacktestScript(seed: seed)) { try books.follow(told) }
        #expect(books.trades > 3)
    }

    @Test func `it begins with its initialisation and ends with its completion, both once`() throws {
        let told = try Told.all(BacktestScript(seed: 7))
        #expect(told.first?.type == .sessionInitialized)
        #expect(told.last?.type == .sessionCompleted)
        #expect(told.count { $0.type == .sessionInitialized || $0.type == .sessionCompleted } == 2)
        let indices = told.filter { $0.type == .candle }.compactMap { $0.data["candle_index"]?.intValue }
        #expect(indices == Array(0..<Int64(BacktestScript.candlesTotal)))
    }

    @Test func `a seed gives the same events again, another seed others`() {
        #expect(Array(BacktestScript(seed: 3)) == Array(BacktestScript(seed: 3)))
        #expect(Array(BacktestScript(seed: 3)) != Array(BacktestScript(seed: 4)))
    }

    @Test func `a candle opens where the one before closed`() throws {
        let candles = try Told.all(BacktestScript(seed: 5)).filter { $0.type == .candle }
        for (earlier, later) in zip(candles, candles.dropFirst()) { #expect(later.number("open") == earlier.number("close")) }
    }

    @Test func `a candle comes every 700 ms`() {
        var total: Duration = .zero
        var times: [Duration] = []
        for step in BacktestScript(seed: 9) {
            total += step.delay
            if step.event.type == .aiDecision { times.append(total) }
        }
        #expect(times.count == BacktestScript.candlesTotal)
        for (index, time) in times.enumerated() { #expect(time == BacktestScript.candleInterval * (index + 1)) }
    }
}

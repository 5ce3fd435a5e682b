import Sessions
import Testing

@testable import websocket_gateway

@Suite struct ForwardScriptTests {
    private let start = Timestamp(microsecondsSince1970: 1_767_225_600_000_000)

    @Test(arguments: [1, 2, 42] as [UInt64])
    func `every number follows from the prices`(seed: UInt64) throws {
        var books = Bookkeeper()
        for told in try Told.all(ForwardScript(seed: seed, start: start)) { try books.follow(told) }
        #expect(books.trades > 3)
    }

    @Test func `a candle holds the prices told since the one before`() throws {
        var prices: [Double] = []
        for told in try Told.all(ForwardScript(seed: 8, start: start)) {
            if told.type == .priceUpdate { prices.append(try #require(told.number("price"))) }
            guard told.type == .candle else { continue }
            let open = try #require(told.number("open"))
            #expect(prices.count == ForwardScript.secondsPerCandle)
            #expect(told.number("close") == prices.last)
            #expect(told.number("high") == max(open, prices.max()!))
            #expect(told.number("low") == min(open, prices.min()!))
            prices = []
        }
    }

    @Test func `seconds count down to the candle, one a second`() throws {
        var elapsed: Duration = .zero
        var expected = ForwardScript.secondsPerCandle - 1
        for step in ForwardScript(seed: 8, start: start) {
            elapsed += step.delay
            let told = try Told(step.event)
            if told.type == .priceUpdate { #expect(elapsed.components.attoseconds == 0) }
            if told.type == .candle { expected = ForwardScript.secondsPerCandle - 1 }
            guard told.type == .countdownUpdate else { continue }
            #expect(told.data["seconds_remaining"]?.intValue == Int64(expected))
            expected -= 1
        }
    }

    @Test func `nothing is decided before the indicators are ready`() throws {
        let told = try Told.all(ForwardScript(seed: 8, start: start))
        let ready = try #require(told.firstIndex { $0.type == .indicatorReadiness && $0.data["ready"]?.boolValue == true })
        #expect(!told[..<ready].contains { $0.type == .aiDecision })
        #expect(told[..<ready].contains { $0.type == .indicatorReadiness })
        #expect(!told[ready...].dropFirst().contains { $0.type == .indicatorReadiness })
        #expect(told.last?.type == .autoStopTriggered)
    }
}

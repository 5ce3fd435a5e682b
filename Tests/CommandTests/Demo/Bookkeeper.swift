import Sessions
import Testing

@testable import websocket_gateway

/// Events as a watcher reads them.
struct Told {
    let type: EventType
    let data: JSONObject

    init(_ event: Event) throws {
        type = event.type
        data = try #require(JSON.parse(event.data.span).objectValue)
    }

    func number(_ key: String) -> Double? { data[key]?.doubleValue }
    func text(_ key: String) -> String? { data[key]?.stringValue }

    static func all(_ script: some Sequence<ScriptStep>) throws -> [Told] { try script.map { try Told($0.event) } }
}

/// Follows a session as a watcher can, and holds every number against the ones before it.
struct Bookkeeper {
    private var price = 0.0
    private var open: JSONObject?
    private var realized = 0.0
    private(set) var trades = 0
    private var wins = 0
    private var thinking = ""

    mutating func follow(_ told: Told) throws {
        switch told.type {
        case .candle:
            let (open, high) = (try #require(told.number("open")), try #require(told.number("high")))
            let (low, close) = (try #require(told.number("low")), try #require(told.number("close")))
            #expect(high >= max(open, close) && low <= min(open, close) && low > 0)
            price = close
        case .priceUpdate: price = try #require(told.number("price"))
        case .aiThinking:
            guard let text = told.text("text") else { return thinking = "" }
            thinking += text
        case .aiDecision:
            #expect(told.text("reasoning") == thinking)
            #expect((0...1).contains(try #require(told.number("confidence"))))
            if told.text("action") == "CLOSE" { #expect(open != nil) }
        case .positionOpened:
            #expect(open == nil, "one position at a time")
            #expect(told.number("entry_price") == price)
            open = told.data
        case .positionUpdated:
            #expect(told.number("current_price") == price)
            #expect(abs(try #require(told.number("unrealized_pnl")) - (try pnl(at: price))) < 0.01)
        case .positionClosed:
            let profit = try #require(told.number("pnl"))
            #expect(abs(profit - (try pnl(at: try #require(told.number("exit_price"))))) < 0.01)
            realized += profit
            trades += 1
            if profit > 0 { wins += 1 }
            open = nil
        case .statsUpdate:
            try check(told.data)
        case .sessionCompleted: try check(try #require(told.data["final_stats"]?.objectValue))
        case .autoStopTriggered: try check(try #require(told.data["stats"]?.objectValue))
        default: break
        }
    }

    private func pnl(at price: Double) throws -> Double {
        let position = try #require(open)
        let change = price - (try #require(position["entry_price"]?.doubleValue))
        return change * (try #require(position["size"]?.doubleValue)) * (position["side"]?.stringValue == "LONG" ? 1 : -1)
    }

    private func check(_ stats: JSONObject) throws {
        let unrealized = open == nil ? 0 : try pnl(at: price)
        #expect(abs(try #require(stats["total_pnl"]?.doubleValue) - realized) < 0.01)
        #expect(abs(try #require(stats["current_equity"]?.doubleValue) - (Account.startingCapital + realized + unrealized)) < 0.02)
        #expect(stats["total_trades"]?.intValue == Int64(trades))
        #expect(stats["winning_trades"]?.intValue == Int64(wins))
    }
}

// A gateway inside your own program: start it, publish a whole backtest, look after its connections, stop it.
//
//     swift run BacktestExample               waits up to 3 s for a watcher before it begins
//     swift run BacktestExample --no-wait     runs to completion without one
//
// It prints a ws:// address. Open it with anything that speaks WebSocket, for example
//     python3 -m websockets ws://127.0.0.1:PORT/ws/backtest/example

import Logging
import WebSocketGateway

@main
struct BacktestExample {
    static let session = "example"

    static func main() async throws {
        // 1. Settings are a plain value; every default is documented there. Port 0 lets the kernel choose.
        var settings = GatewaySettings()
        settings.listen = "127.0.0.1:0"
        settings.control = "127.0.0.1:0"
        settings.workers = 1

        // 2. One manager is one gateway. The logger is yours, with your handler.
        var logger = Logger(label: "example")
        logger.logLevel = .warning
        let manager = try WebSocketManager(settings, logger: logger)
        let addresses = try await manager.start()
        print("watch it at  ws://\(addresses.listen)/ws/backtest/\(session)")
        print("metrics at   http://\(addresses.control ?? "")/metrics")

        // 3. Sessions come into being with their first event. Registering one says more: here, that /ws/forward does not serve it.
        try await manager.registerSession(session, SessionRegistration(kind: .backtest))
        if !CommandLine.arguments.contains("--no-wait") { try await waitForWatcher(manager) }

        try await runBacktest(manager)
        try await lookAfterConnections(manager)

        // 4. Draining tells every client to come back later (1012), waits until they are gone, and stops the gateway.
        await manager.drain()
        do {
            _ = try await manager.broadcastToSession(session, .heartbeat())
        } catch PublishRefusal.gatewayStopped {
            print("drained: publishing is refused from now on")
        }
    }

    static func waitForWatcher(_ manager: WebSocketManager) async throws {
        for _ in 0..<30 {
            if try await manager.connectionCount(session) > 0 { return }
            try await Task.sleep(for: .milliseconds(100))
        }
        print("nobody came to watch: going on without")
    }

    /// What a backtest engine publishes, in its order. The constructors make the events the existing front end knows.
    static func runBacktest(_ manager: WebSocketManager) async throws {
        let config: JSONObject = ["asset": "BTC/USDT", "timeframe": "1h", "total_candles": 3]
        try await publish(manager, .sessionInitialized(sessionID: session, config: config))

        for (index, close) in [64_250.5, 64_811.25, 65_102.0].enumerated() {
            let candle: JSONObject = [
                "index": .int(Int64(index)), "open": .double(close - 200), "high": .double(close + 35.5), "low": .double(close - 310.25),
                "close": .double(close), "volume": 812.4,
            ]
            try await publish(manager, .candle(candle, indicators: ["rsi": 41.7, "ema_20": 64_020.9]))

            // Thinking streams in pieces; the last one is complete.
            try await publish(manager, .aiThinking("RSI is low and price is back above its average: "))
            try await publish(manager, .aiThinking("the odds favour the long side.", isComplete: true))

            switch index {
            case 0:
                let decision: JSONObject = ["action": "LONG", "confidence": 0.82, "stop_loss_price": 63_400.0, "size_percentage": 20]
                try await publish(manager, .aiDecision(decision))
                try await publish(manager, .positionOpened(["side": "LONG", "entry_price": .double(close), "size": 0.031]))
            case 1:
                try await publish(manager, .aiDecision(["action": "HOLD", "confidence": 0.64]))
                try await publish(manager, .positionUpdated(["side": "LONG", "current_price": .double(close), "unrealized_pnl": 17.38]))
            default:
                try await publish(manager, .aiDecision(["action": "CLOSE", "confidence": 0.71]))
                let trade: JSONObject = ["side": "LONG", "exit_price": .double(close), "pnl": 26.4, "reason": "ai_decision"]
                try await publish(manager, .positionClosed(trade))
            }
        }
        let stats: JSONObject = ["current_equity": 10_026.4, "total_pnl": 26.4, "total_trades": 1, "win_rate": 100.0]
        try await publish(manager, .statsUpdate(stats))
        try await publish(manager, .error(code: "DATA_GAP", message: "one candle was missing and was skipped", details: ["index": 17]))

        // Types of your own need no constructor, and data that is JSON text already reaches the clients byte for byte.
        let note = try Event(type: EventType(rawValue: "engine_note")!, rawData: Array(#"{"price": 64250.50}"#.utf8))
        try await publish(manager, note)
        try await publish(manager, .sessionCompleted(resultID: "result-1", finalStats: stats))

        // Wrong input is refused as a whole, with the reason; nothing of it was published.
        do {
            _ = try await manager.broadcastToSession("no such name!", .heartbeat())
        } catch {
            print("refused: \(error)")
        }
    }

    /// A receipt is true when it is returned: `sent` was taken whole by the kernel, `queued` waits for a slow reader.
    static func publish(_ manager: WebSocketManager, _ event: Event) async throws {
        let receipt = try await manager.broadcastToSession(session, event)
        print("  \(receipt.firstID)  \(event.type): \(receipt.connections) connections, \(receipt.sent) sent, \(receipt.queued) queued")
    }

    static func lookAfterConnections(_ manager: WebSocketManager) async throws {
        let everywhere = try await manager.broadcastToAll(.error(code: "MAINTENANCE", message: "back in a minute"))
        print("to all: \(everywhere.sessions) sessions, \(everywhere.connections) connections")
        for info in await manager.sessions() {
            print("session \(info.id): \(info.connections) connections, last event \(info.lastID?.description ?? "none")")
        }

        if let watcher = try await manager.sessionConnections(session).first, let metadata = await manager.connectionMetadata(watcher) {
            print("connection \(watcher): from \(metadata.remoteAddress), last heard \(metadata.lastHeartbeat.iso8601)")
            // A message to one connection belongs to no stream, so it has no id.
            let reached = try await manager.sendToConnection(watcher, .aiThinking("only you can read this", isComplete: true))
            print("sent to it alone: \(reached)")
            print("disconnected it: \(await manager.disconnect(watcher))")
        } else {
            print("no connection to send to or to disconnect")
        }
        let cleaned = await manager.cleanupStaleConnections(maxAge: .seconds(300))
        print("closed as stale: \(cleaned)")
    }
}

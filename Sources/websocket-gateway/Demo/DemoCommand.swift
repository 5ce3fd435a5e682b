import ArgumentParser
import EventLoop
import Logging
import WebSocketGateway

struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Run the gateway with two synthetic sessions to watch.",
        discussion: """
            demo-backtest is a backtest of 200 candles, about two minutes long, again and again; demo-forward is a forward test with a candle \
            every 15 seconds. Prices are a random walk; indicators, positions and statistics are computed from it. Clients may pause, resume and stop them. Everything that serve takes \
            works here too.
            """)

    @OptionGroup var options: GatewayOptions
    @Option(help: ArgumentHelp("How much faster than life the sessions run. Range 0.1 to 1000.", valueName: "x")) var speed = 1.0
    @Option(help: ArgumentHelp("Replays the prices of an earlier run. Default: another one each time.", valueName: "n")) var seed: UInt64?

    func validate() throws {
        guard speed >= 0.1, speed <= 1000 else { throw ValidationError("--speed is 0.1 to 1000") }
    }

    func run() async throws {
        var defaults = GatewaySettings()
        // The screen belongs to the lines to type next.
        defaults.logLevel = .notice
        let gateway = try RunningGateway.prepare(options, defaults: defaults)
        let (speed, seed) = (speed, seed ?? UInt64.random(in: 1...999_999))

        try await withThrowingTaskGroup(of: Void.self) { group in
            let (started, continuation) = AsyncStream<WebSocketManager>.makeStream()
            group.addTask {
                for await manager in started { await DemoEngines(manager: manager, speed: speed, seed: seed).run() }
            }
            try await gateway.run { manager, addresses in
                let greeting = DemoGreeting(
                    listen: addresses.listen, control: addresses.control ?? "", isSealed: gateway.isSealed,
                    isControlSealed: gateway.isControlSealed, seed: seed, executable: CommandLine.arguments[0],
                    folder: ProcessResources.environment["PWD"])
                greeting.show()
                continuation.yield(manager)
                continuation.finish()
            }
            group.cancelAll()
        }
    }
}

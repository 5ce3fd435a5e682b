import ArgumentParser
import WebSocketGateway

@main
struct WebSocketGatewayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "websocket-gateway",
        abstract: "Carries live trading sessions from engines to browsers.",
        discussion: """
            Engines publish events over HTTP to the control listener; clients watch them over WebSockets on the public listener; Prometheus \
            scrapes /metrics. Try it:

              websocket-gateway demo                      two synthetic sessions
              websocket-gateway watch demo-backtest       what a browser tab gets
              websocket-gateway publish s1 < events.ndjson   publish as an engine
            """,
        version: BuildInfo.version,
        subcommands: [
            ServeCommand.self, DemoCommand.self, WatchCommand.self, PublishCommand.self, LoadCommand.self, EchoCommand.self,
            APIKeyCommand.self,
        ])
}

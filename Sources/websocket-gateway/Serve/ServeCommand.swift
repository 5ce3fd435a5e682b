import ArgumentParser
import Logging
import WebSocketGateway

struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Run the gateway.",
        discussion: """
            Every flag is also an environment variable (--max-connections is WSG_MAX_CONNECTIONS) and a key of the --config file \
            (max-connections = 5000). A flag wins over the environment, the environment over the file. SIGTERM drains: clients are told to come \
            back elsewhere, and the gateway exits 0; a second signal exits at once. SIGHUP reloads: the file, and the files that settings name, are \
            read again, all or nothing. Changes of these need a restart: \
            \(SettingRow.all.filter { $0.change == .atStart }.map(\.name).joined(separator: ", ")). \
            Of files their path is meant; what is in them is read again.
            """)

    @OptionGroup var options: GatewayOptions
    @Flag(help: "Check the settings and exit.") var check = false

    func run() async throws {
        let gateway = try RunningGateway.prepare(options)
        if check {
            for warning in gateway.manager.warnings { FailedStart.tell("warning: \(warning)") }
            return print("The settings are fine.")
        }
        try await gateway.run()
    }
}

struct EchoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "echo",
        abstract: "Echo every WebSocket message, on any path; the target of conformance suites.")

    @Option(help: ArgumentHelp("Where to listen.", valueName: "host:port")) var listen = "127.0.0.1:9001"
    @Option(help: ArgumentHelp("Event loops, one thread each. Default: one per core.", valueName: "n")) var workers: Int?
    @Option(help: ArgumentHelp("Where to write the chosen address, as JSON, once it accepts.", valueName: "file")) var readyFile: String?

    func run() async throws {
        var settings = GatewaySettings()
        settings.listen = listen
        settings.workers = workers
        settings.echoes = true
        settings.logLevel = .notice
        settings.messageBytesMax = 16_777_216
        settings.messageFragmentsMax = 1_000_000
        settings.writeQueueBytesMax = 33_554_432
        settings.messageRate = 1_000_000_000
        settings.messageBurst = 1_000_000_000
        settings.messageByteRate = 1_000_000_000
        settings.messageByteBurst = 1_000_000_000
        settings.staleTimeout = .zero
        let gateway: RunningGateway
        do throws(SettingsError) {
            let settings = settings
            gateway = try RunningGateway(readyFile: readyFile) { settings }
        } catch {
            FailedStart.tell("\(error)")
            throw ExitCode(64)
        }
        try await gateway.run()
    }
}

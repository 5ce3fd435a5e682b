import ArgumentParser
import EventLoop
import Sessions

struct PublishCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "publish",
        abstract: "Publish events from standard input, one JSON object a line.",
        discussion: """
            Each line is an event: {"type":"candle","data":{…}}, with a timestamp if wanted. What a pipe holds is published at once, so a live \
            engine can write into it. Ends at the first refused line: those before it are published, those after it are not.

              websocket-gateway publish my-session < events.ndjson
              my-engine | websocket-gateway publish my-session --verbose
            """)

    @Argument(help: ArgumentHelp("The session's id.", valueName: "session")) var session: String
    @Option(help: ArgumentHelp("The gateway's control listener.", valueName: "host:port")) var control = "127.0.0.1:8081"
    @Option(help: ArgumentHelp("The key of the control listener; better in WSG_API_KEY.", valueName: "key")) var apiKey: String?
    @Option(help: ArgumentHelp("Events in one request at most, when that many wait.", valueName: "n")) var batch = 100
    @Flag(name: .shortAndLong, help: "Print the gateway's receipt of every request.") var verbose = false

    func validate() throws {
        _ = try TargetAddress.parse(control, flag: "--control")
        _ = try sessionID()
        _ = try key()
        guard (1...10_000).contains(batch) else { throw ValidationError("--batch is 1 to 10000") }
    }

    func run() throws {
        let (address, session) = (try TargetAddress.parse(control, flag: "--control"), try sessionID())
        let key = try key()
        var publish: PublishRun?
        try ToolLoop.run { tool throws(SystemError) in
            publish = PublishRun(tool, address, key: key, session, linesMax: batch, isVerbose: verbose)
            try publish?.start()
        }
        publish = nil
    }

    private func key() throws(ValidationError) -> BearerText? {
        try BearerText.find(flag: apiKey, "--api-key", variable: "WSG_API_KEY")
    }

    private func sessionID() throws(ValidationError) -> SessionID {
        do throws(SessionIDError) { return try SessionID(session) } catch {
            throw ValidationError("\"\(SafeText.escaped(session))\": \(error)")
        }
    }
}

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
              my-engine | websocket-gateway publish my-session --control https://gateway.example.com:8081 --ca authority.pem
            """)

    @Argument(help: ArgumentHelp("The session's id, or its URL: https://HOST:PORT/v1/sessions/SESSION/events.", valueName: "session"))
    var session: String
    @Option(
        help: ArgumentHelp(
            "The gateway's control listener; https://HOST for TLS, or unix:/PATH. By default 127.0.0.1:8081.", valueName: "host:port"))
    var control: String?
    @Option(help: ArgumentHelp("The key of the control listener; better in WSG_API_KEY.", valueName: "key")) var apiKey: String?
    @Option(help: ArgumentHelp("Events in one request at most, when that many wait.", valueName: "n")) var batch = 100
    @OptionGroup var tls: TLSOptions
    @Flag(name: .shortAndLong, help: "Print the gateway's receipt of every request.") var verbose = false

    func validate() throws {
        _ = try place()
        _ = try key()
        guard (1...10_000).contains(batch) else { throw ValidationError("--batch is 1 to 10000") }
    }

    func run() throws {
        let (gateway, session) = try place()
        let key = try key()
        var publish: PublishRun?
        try ToolLoop.run { tool throws(SystemError) in
            publish = PublishRun(tool, gateway, key: key, session, linesMax: batch, isVerbose: verbose)
            try publish?.start()
        }
        publish = nil
    }

    private func key() throws(ValidationError) -> BearerText? {
        try BearerText.find(flag: apiKey, "--api-key", variable: "WSG_API_KEY")
    }

    /// By the session's id and --control, or all in one URL.
    private func place() throws(ValidationError) -> (gateway: GatewayTarget, session: SessionID) {
        guard session.contains("://") else {
            let gateway = try GatewayTarget.parse(control ?? "127.0.0.1:8081", .control, flag: "--control", tls)
            try tls.requireUse(by: [gateway])
            return (gateway, try Self.sessionID(session))
        }
        guard let url = GatewayURL(session), url.path.count == 4, url.path[..<2] == ["v1", "sessions"], url.path[3] == "events" else {
            throw ValidationError(
                "a session's URL is https://HOST:PORT/v1/sessions/SESSION/events, without a query; \"\(SafeText.escaped(session))\" is not")
        }
        guard control == nil else { throw ValidationError("--control is in the URL already") }
        let gateway = try GatewayTarget.at(url, .control, flag: "a session's URL", tls)
        try tls.requireUse(by: [gateway])
        return (gateway, try Self.sessionID(url.path[2]))
    }

    private static func sessionID(_ text: String) throws(ValidationError) -> SessionID {
        do throws(SessionIDError) { return try SessionID(text) } catch {
            throw ValidationError("\"\(SafeText.escaped(text))\": \(error)")
        }
    }
}

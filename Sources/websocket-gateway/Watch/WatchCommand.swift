import ArgumentParser
import EventLoop
import Sessions

struct WatchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch",
        abstract: "Show a session's events as a client gets them.",
        discussion: """
            On a terminal, one readable line an event; into a pipe, timestamp, id, type and data between tabs. Missing or repeated events are \
            reported on standard error. A lost connection is taken up again where it was, as a browser tab would.

              websocket-gateway watch demo-backtest
              websocket-gateway watch my-session --types ai_decision,position_closed
              websocket-gateway watch demo-backtest --replay 10x
              websocket-gateway watch my-session --raw --once > session.ndjson
              websocket-gateway watch my-session --explain
              websocket-gateway watch wss://gateway.example.com/ws/forward/my-session --ca authority.pem
            """)

    @Argument(help: ArgumentHelp("The session's id, or its URL: wss://HOST:PORT/ws/KIND/SESSION.", valueName: "session")) var session:
        String
    @Option(
        help: ArgumentHelp("The gateway's public listener; wss://HOST for TLS. By default 127.0.0.1:8080.", valueName: "host:port"))
    var connect: String?
    @Option(help: ArgumentHelp("backtest or forward. By default backtest.", valueName: "kind")) var kind: String?
    @Option(help: ArgumentHelp("Only events of these types, separated by commas.", valueName: "types")) var types: String?
    @Option(help: ArgumentHelp("Begin with the event after this one.", valueName: "id")) var lastEventId: String?
    @Option(help: ArgumentHelp("Play the recorded session by its event times: 0.5x to 100x, or max.", valueName: "speed"))
    var replay: String?
    @Flag(help: "Print every message as it came, one a line.") var raw = false
    @Flag(help: "Exit after session_completed.") var once = false
    @Option(help: ArgumentHelp("Exit after this many events of the session.", valueName: "n")) var count: Int?
    @Flag(
        help:
            "Say in plain words, on standard error, what the gateway knows of this connection: where it lagged, what was left out, why it ended."
    )
    var explain = false
    @Option(
        help: ArgumentHelp(
            "The gateway's control listener, for --explain; https://HOST for TLS, or unix:/PATH. By default 127.0.0.1:8081.",
            valueName: "host:port"))
    var control: String?
    @Option(help: ArgumentHelp("The key of the control listener, for --explain; better in WSG_API_KEY.", valueName: "key")) var apiKey:
        String?
    @Option(help: ArgumentHelp("The token to show; better in WSG_TOKEN.", valueName: "token")) var token: String?
    @OptionGroup var tls: TLSOptions
    @Flag(name: .customLong("no-color"), help: "No colours, as with NO_COLOR set.") var noColor = false

    func validate() throws { _ = try plan() }

    func run() throws {
        let plan = try plan()
        let style: EventView.Style =
            switch (raw, StandardStreams.outputIsTerminal) {
            case (true, _): .raw
            case (false, false): .fields
            case (false, true): .terminal(colors: !noColor && (ProcessResources.environment["NO_COLOR"] ?? "").isEmpty)
            }
        var watch: WatchRun?
        try ToolLoop.run { tool throws(SystemError) in
            watch = WatchRun(tool, plan, style)
            watch?.start()
        }
        watch = nil
    }

    private func plan() throws(ValidationError) -> WatchPlan {
        let (gateway, kind, session) = try place()
        guard (try? SessionID(session)) != nil else {
            throw ValidationError("\"\(SafeText.escaped(session))\" is no session id: 1 to 128 of A-Z a-z 0-9 . _ ~ -")
        }
        guard let kind = SessionKind(rawValue: kind) else { throw ValidationError("--kind is backtest or forward") }
        var last: EventID?
        if let lastEventId {
            do throws(EventIDError) { last = try EventID(parsing: lastEventId) } catch {
                throw ValidationError("--last-event-id: \(error)")
            }
        }
        if let types, TypeFilter.parse(types) == nil {
            throw ValidationError("--types is a comma-separated list of event types, such as candle,ai_decision")
        }
        if let replay, ReplaySpeed.parse(replay) == nil { throw ValidationError("--replay is \(ReplaySpeed.rule)") }
        if let count, count < 1 { throw ValidationError("--count is at least 1") }
        guard explain || control == nil else { throw ValidationError("--control is for --explain") }
        let control = explain ? try GatewayTarget.parse(control ?? "127.0.0.1:8081", .control, flag: "--control", tls) : nil
        try tls.requireUse(by: [gateway, control])
        return WatchPlan(
            gateway: gateway, kind: kind, session: session, types: types, lastID: last, endsWhenCompleted: once, eventsMax: count,
            control: control, replay: replay, key: try BearerText.find(flag: apiKey, "--api-key", variable: "WSG_API_KEY"),
            token: try BearerText.find(flag: token, "--token", variable: "WSG_TOKEN"))
    }

    /// By the session's id and flags, or all in one URL, as a browser has it.
    private func place() throws(ValidationError) -> (gateway: GatewayTarget, kind: String, session: String) {
        guard session.contains("://") else {
            let gateway = try GatewayTarget.parse(connect ?? "127.0.0.1:8080", .clients, flag: "--connect", tls)
            return (gateway, kind ?? "backtest", session)
        }
        guard let url = GatewayURL(session), url.path.count == 3, url.path[0] == "ws" else {
            throw ValidationError(
                "a session's URL is wss://HOST:PORT/ws/KIND/SESSION, without a query; \"\(SafeText.escaped(session))\" is not")
        }
        guard connect == nil, kind == nil else { throw ValidationError("--connect and --kind are in the URL already") }
        return (try GatewayTarget.at(url, .clients, flag: "a session's URL", tls), url.path[1], url.path[2])
    }
}

/// What to watch, checked.
struct WatchPlan {
    let gateway: GatewayTarget
    let kind: SessionKind
    let session: String
    let types: String?
    let lastID: EventID?
    let endsWhenCompleted: Bool
    let eventsMax: Int?
    /// Who is asked about the connection; nil where nobody is.
    let control: GatewayTarget?
    var replay: String?
    /// For the control listener.
    var key: BearerText?
    var token: BearerText?

    /// Live where there is no id yet, whatever the session's own `join` says: `connected` tells where the stream stands, and what comes is behind it.
    /// A replay begins with the oldest event.
    func target(after last: EventID?) -> String {
        let start = last.map { "last_event_id=\($0)" } ?? (replay == nil ? "join=live" : "join=all")
        return "/ws/\(kind.rawValue)/\(session)?"
            + [start, types.map { "types=\($0)" }, replay.map { "replay=\($0)" }].compactMap(\.self).joined(separator: "&")
    }
}

import ArgumentParser
import EventLoop
import Sessions

struct LoadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "load",
        abstract: "Load a running gateway and prove that nothing is lost.",
        discussion: """
            Opens connections to sessions load-1, load-2, …, publishes events to each as an engine does, and checks that every connection got \
            every event exactly once and in order. Exits 1 when one did not, or when the time is over. A gateway takes 100 connections a \
            session unless told otherwise:

              websocket-gateway serve --max-connections-per-session 500 &
              websocket-gateway load --connections 500 --events 10000
            """)

    @Option(help: ArgumentHelp("The gateway's public listener; wss://HOST for TLS.", valueName: "host:port")) var connect = "127.0.0.1:8080"
    @Option(help: ArgumentHelp("The gateway's control listener; https://HOST for TLS, or unix:/PATH.", valueName: "host:port"))
    var control = "127.0.0.1:8081"
    @OptionGroup var tls: TLSOptions
    @Option(help: ArgumentHelp("The key of the control listener; better in WSG_API_KEY.", valueName: "key")) var apiKey: String?
    @Option(help: ArgumentHelp("The token that every client shows; better in WSG_TOKEN.", valueName: "token")) var token: String?
    @Option(help: ArgumentHelp("Clients, spread over the sessions.", valueName: "n")) var connections = 500
    @Option(help: ArgumentHelp("Of them, those that want every other event only, by its type.", valueName: "n")) var filtered = 0
    @Option(help: ArgumentHelp("Sessions.", valueName: "n")) var sessions = 1
    @Option(help: ArgumentHelp("Events published to each session.", valueName: "n")) var events = 10_000
    @Option(help: ArgumentHelp("What events are made of: padding or candles, with other numbers in each.", valueName: "kind"))
    var payload = LoadPayload.padding
    @Option(help: ArgumentHelp("Size of each event's data. Default: 256 of padding, 4096 of candles.", valueName: "bytes"))
    var eventBytes: Int?
    @Flag(help: "Every connection offers permessage-deflate, and the gateway must agree.") var deflate = false
    @Option(help: ArgumentHelp("Publish requests without an answer, on each publisher's connection.", valueName: "n")) var inFlight = 1
    @Option(
        help: ArgumentHelp("Connections that publish, the sessions spread over them. Default: one a session, up to 16.", valueName: "n"))
    var publishers: Int?
    @Option(help: ArgumentHelp("Events a second to each session. Default: as fast as the answers come.", valueName: "n")) var rate: Double?
    @Option(help: ArgumentHelp("Clients besides that stop reading; the gateway is expected to drop them.", valueName: "n")) var slow = 0
    @Option(help: ArgumentHelp("backtest or forward.", valueName: "kind")) var kind = "backtest"
    @Option(help: ArgumentHelp("The sessions are named PREFIX-1, PREFIX-2, ….", valueName: "prefix")) var sessionPrefix = "load"
    @Option(help: ArgumentHelp("From the last client's handshake to the first event.", valueName: "seconds")) var wait = 0.0
    @Option(help: ArgumentHelp("The whole run takes no longer, or fails.", valueName: "seconds")) var duration = 120.0
    @Option(
        help: ArgumentHelp(
            "Measure the CPU time of this process, and of others when repeated, instead of asking the gateway for its own (Linux).",
            valueName: "n")) var serverPID: [Int32] = []
    @Option(help: ArgumentHelp("What the server speaks, for comparisons: gateway, nchan or nats.", valueName: "kind"))
    var dialect = LoadDialect.gateway
    @Flag(help: "Print the report as one JSON object.") var json = false
    @Flag(help: "With --json: the latencies as [[ns_max, count], …], so that runs can be added up.") var histogram = false
    @Flag(help: "Allow a target that is not this machine. Only ever load what is yours.") var allowRemote = false

    func validate() throws { _ = try plan() }

    func run() throws {
        let plan = try plan()
        let descriptors = ProcessResources.raiseDescriptorLimit()
        guard descriptors >= plan.descriptorsNeeded else {
            FailedStart.tell(
                "\(plan.allConnections) connections need \(plan.descriptorsNeeded) file descriptors and the limit is \(descriptors); raise it with: ulimit -n \(plan.descriptorsNeeded)"
            )
            throw ExitCode(1)
        }
        guard let judge = LoadJudge(plan.event, messagesKept: plan.messagesKept) else {
            FailedStart.tell("memory is short")
            throw ExitCode(1)
        }
        var load: LoadRun?
        try ToolLoop.run { tool throws(SystemError) in
            load = LoadRun(tool, plan, judge, printsJSON: json)
            load?.start()
        }
        load = nil
    }

    func plan() throws(ValidationError) -> LoadPlan {
        var plan = LoadPlan()
        plan.connect = try target(connect, .clients, "--connect")
        plan.control = try target(control, .control, "--control")
        try tls.requireUse(by: [plan.connect, plan.control])
        guard dialect != .nats || plan.control.tls == nil else { throw ValidationError("--control of nats is HOST:PORT") }
        plan.dialect = dialect
        plan.key = try BearerText.find(flag: apiKey, "--api-key", variable: "WSG_API_KEY")
        plan.token = try BearerText.find(flag: token, "--token", variable: "WSG_TOKEN")
        plan.serverPIDs = try servers()
        plan.connections = try Self.within(connections, 1...1_000_000, "--connections")
        plan.filteredConnections = try Self.within(filtered, 0...connections, "--filtered of --connections \(connections)")
        guard filtered == 0 || dialect == .gateway else { throw ValidationError("--filtered is for the gateway's protocol") }
        plan.event.alternates = filtered > 0
        plan.slowConnections = try Self.within(slow, 0...100_000, "--slow")
        plan.sessions = try Self.within(sessions, 1...connections, "--sessions")
        plan.events = try Self.within(events, 1...1_000_000_000, "--events")
        plan.event.payload = payload
        let sizes = payload.dataBytesMin...LoadEvent.dataBytesMax
        plan.event.dataBytes = try Self.within(eventBytes ?? payload.dataBytesDefault, sizes, "--event-bytes of --payload \(payload)")
        guard !deflate || dialect.allowsDeflate else { throw ValidationError("--deflate is not measured in \(dialect)'s protocol") }
        plan.deflate = deflate
        plan.publishers = try Self.within(
            publishers ?? min(sessions, LoadPlan.publishersDefaultMax), 1...sessions, "--publishers of --sessions \(sessions)")
        plan.inFlight = try Self.within(inFlight, 1...512, "--in-flight")
        if let rate {
            guard rate >= 0.1, rate <= 1e7 else { throw ValidationError("--rate is 0.1 to 10000000 events a second") }
            plan.rate = rate
        }
        guard wait >= 0, wait <= 86_400 else { throw ValidationError("--wait is 0 to 86400 seconds") }
        plan.wait = .seconds(wait)
        guard duration >= 1, duration <= 86_400 else { throw ValidationError("--duration is 1 to 86400 seconds") }
        plan.duration = .seconds(duration)
        guard let kind = SessionKind(rawValue: kind) else { throw ValidationError("--kind is backtest or forward") }
        plan.kind = kind
        plan.sessionPrefix = sessionPrefix
        guard (try? SessionID(plan.session(sessions - 1))) != nil else {
            throw ValidationError("--session-prefix holds only A-Z a-z 0-9 . _ ~ - and is short")
        }
        guard !histogram || json else { throw ValidationError("--histogram is a part of the JSON report: pass --json too") }
        plan.tellsHistogram = histogram
        return plan
    }

    /// Looked at here already: a run that cannot be measured need not begin.
    private func servers() throws(ValidationError) -> [Int32] {
        do throws(ProcessUsage.Fault) { _ = try ServerUsage.read(serverPID) } catch {
            throw ValidationError("--server-pid: \(error.reason)")
        }
        return serverPID
    }

    /// A load generator that is pointed at somebody else's machine is an attack.
    private func target(_ text: String, _ listener: GatewayTarget.Listener, _ flag: String) throws(ValidationError) -> GatewayTarget {
        let target = try GatewayTarget.parse(text, listener, flag: flag, tls)
        guard target.isLoopback || allowRemote else {
            throw ValidationError("\(flag) \(target) is not this machine; pass --allow-remote when that gateway is yours to load")
        }
        return target
    }

    private static func within(_ value: Int, _ range: ClosedRange<Int>, _ flag: String) throws(ValidationError) -> Int {
        guard range.contains(value) else { throw ValidationError("\(flag) is \(range.lowerBound) to \(range.upperBound)") }
        return value
    }
}

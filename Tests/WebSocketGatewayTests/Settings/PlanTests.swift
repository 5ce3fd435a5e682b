import EventLoop
import HTTP
import Sessions
import Testing
import WebSocket

@testable import WebSocketGateway

@Suite("The settings' check")
struct PlanTests {
    private func plan(descriptorLimit: Int = 1_000_000, cores: Int = 4, _ change: (inout GatewaySettings) -> Void = { _ in })
        throws(SettingsError) -> Plan
    {
        var settings = GatewaySettings()
        change(&settings)
        return try Plan(settings, descriptorLimit: descriptorLimit, cores: cores, memoryBytes: 1 << 30)
    }

    @Test func `the defaults are a plan`() throws {
        let plan = try plan()
        #expect(plan.listen.description == "127.0.0.1:8080")
        #expect(plan.control.description == "127.0.0.1:8081")
        #expect(plan.workers == 4)
        #expect(plan.connectionsMax == 10_000)
        #expect(plan.heartbeatInterval == 30_000)
        #expect(plan.staleTimeout == 75_000)
        #expect(plan.httpLimits.bodyBytesMax == 1_048_576)
        #expect(plan.webSocketLimits.messageBytesMax == 65_536)
        #expect(plan.eventLimits.eventBytesMax == 524_288)
    }

    struct Count: Sendable, CustomTestStringConvertible {
        let setting: String
        let range: ClosedRange<Int>
        let set: @Sendable (inout GatewaySettings, Int) -> Void
        var testDescription: String { setting }
    }

    @Test(arguments: [
        Count(setting: "workers", range: 1...64) { $0.workers = $1 },
        Count(setting: "max-connections", range: 1...10_000_000) { $0.connectionsMax = $1 },
        Count(setting: "max-connections-per-session", range: 1...10_000_000) { $0.connectionsPerSessionMax = $1 },
        Count(setting: "max-connections-per-address", range: 1...10_000_000) { $0.connectionsPerAddressMax = $1 },
        Count(setting: "max-control-connections", range: 1...100_000) { $0.controlConnectionsMax = $1 },
        Count(setting: "max-sessions", range: 1...100_000_000) { $0.sessionsMax = $1 },
        Count(setting: "max-message-bytes", range: 125...268_435_456) { $0.messageBytesMax = $1 },
        Count(setting: "max-message-fragments", range: 1...10_000_000) { $0.messageFragmentsMax = $1 },
        Count(setting: "max-publish-bytes", range: 1024...268_435_456) { settings, value in
            settings.publishBytesMax = value
            settings.eventBytesMax = 64
        },
        Count(setting: "max-event-bytes", range: 64...1_048_576) { $0.eventBytesMax = $1 },
        Count(setting: "max-write-queue-bytes", range: 4096...1_073_741_824) { $0.writeQueueBytesMax = $1 },
        Count(setting: "max-tls-handshakes", range: 1...1_000_000) { $0.tlsHandshakesMax = $1 },
        Count(setting: "max-history-events", range: 0...10_000_000) { $0.historyEventsMax = $1 },
        Count(setting: "max-history-bytes", range: 4096...1_099_511_627_776) { $0.historyBytesMax = $1 },
        Count(setting: "memory-budget", range: 4_194_304...1_099_511_627_776) { $0.memoryBudgetBytes = $1 },
        Count(setting: "message-rate", range: 1...1_000_000_000) { $0.messageRate = $1 },
        Count(setting: "message-burst", range: 1...1_000_000_000) { $0.messageBurst = $1 },
        Count(setting: "message-byte-rate", range: 1...1_000_000_000) { $0.messageByteRate = $1 },
        Count(setting: "message-byte-burst", range: 65_536...1_000_000_000) { $0.messageByteBurst = $1 },
        Count(setting: "max-commands-in-flight", range: 1...1024) { $0.commandsInFlightMax = $1 },
        Count(setting: "max-message-excess", range: 1...1_000_000_000) { $0.messageExcessMax = $1 },
        Count(setting: "connection-rate-per-address", range: 1...1_000_000_000) { $0.connectionRatePerAddress = $1 },
        Count(setting: "connection-burst-per-address", range: 1...1_000_000_000) { $0.connectionBurstPerAddress = $1 },
        Count(setting: "max-request-line-bytes", range: 64...1_048_576) { $0.requestLineBytesMax = $1 },
        Count(setting: "max-header-line-bytes", range: 64...1_048_576) { $0.headerLineBytesMax = $1 },
        Count(setting: "max-headers-bytes", range: 256...8_388_608) { $0.headersBytesMax = $1 },
        Count(setting: "max-header-fields", range: 8...100_000) { $0.headerFieldsMax = $1 },
    ])
    func `a count is taken to both ends, and no further`(count: Count) throws {
        for value in [count.range.lowerBound, count.range.upperBound] { _ = try plan { count.set(&$0, value) } }
        for value in [count.range.lowerBound - 1, count.range.upperBound + 1, .min, .max] {
            let error = #expect(throws: SettingsError.self) { try plan { count.set(&$0, value) } }
            #expect(error?.setting == count.setting)
            #expect(error?.description.hasPrefix("\(count.setting): \(value) is not within ") == true)
        }
    }

    @Test func `a client may send four messages of the greatest length at once unless told otherwise`() throws {
        #expect(try plan().messageLimits.bytes == RateLimit(perSecond: 65_536, burst: 262_144))
        #expect(try plan { $0.messageBytesMax = 268_435_456 }.messageLimits.bytes.burst == 1_000_000_000)
        #expect(try plan { $0.messageByteBurst = 65_536 }.messageLimits.bytes.burst == 65_536)
    }

    struct Time: Sendable, CustomTestStringConvertible {
        let setting: String
        let set: @Sendable (inout GatewaySettings, Duration) -> Void
        let get: @Sendable (Plan) -> UInt64
        var testDescription: String { setting }
    }

    @Test(arguments: [
        Time(setting: "request-head-timeout", set: { $0.requestHeadTimeout = $1 }, get: { $0.requestHeadTimeout }),
        Time(setting: "request-body-timeout", set: { $0.requestBodyTimeout = $1 }, get: { $0.requestBodyTimeout }),
        Time(setting: "idle-timeout", set: { $0.idleTimeout = $1 }, get: { $0.idleTimeout }),
        Time(setting: "heartbeat-interval", set: { $0.heartbeatInterval = $1 }, get: { $0.heartbeatInterval }),
        Time(setting: "stale-timeout", set: { $0.staleTimeout = $1 }, get: { $0.staleTimeout }),
        Time(setting: "close-timeout", set: { $0.closeTimeout = $1 }, get: { $0.closeTimeout }),
        Time(setting: "write-timeout", set: { $0.writeTimeout = $1 }, get: { $0.writeTimeout }),
        Time(setting: "message-timeout", set: { $0.messageTimeout = $1 }, get: { $0.messageTimeout }),
        Time(setting: "drain-timeout", set: { $0.drainTimeout = $1 }, get: { $0.drainTimeout }),
        Time(setting: "tls-handshake-timeout", set: { $0.tlsHandshakeTimeout = $1 }, get: { $0.tlsHandshakeTimeout }),
        Time(setting: "session-idle-timeout", set: { $0.sessionIdleTimeout = $1 }, get: { $0.sessionIdleTimeout }),
    ])
    func `a time is taken to both ends, and no further`(time: Time) throws {
        for (duration, milliseconds) in [
            (Duration.milliseconds(10), UInt64(10)), (.milliseconds(1234), 1234), (.seconds(10_000_000), 10_000_000_000),
        ] {
            #expect(time.get(try plan { time.set(&$0, duration) }) == milliseconds)
        }
        for duration in [Duration.milliseconds(9), .nanoseconds(9_999_999), .seconds(-1), .seconds(10_000_000) + .nanoseconds(1)] {
            let error = #expect(throws: SettingsError.self) { try plan { time.set(&$0, duration) } }
            #expect(error?.setting == time.setting)
        }
        if time.setting == "stale-timeout" {
            #expect(time.get(try plan { time.set(&$0, .zero) }) == 0, "zero means never")
        } else {
            let error = #expect(throws: SettingsError.self) { try plan { time.set(&$0, .zero) } }
            #expect(error?.setting == time.setting)
        }
    }

    @Test(arguments: [
        ("listen", "nowhere"), ("listen", ""), ("listen", "example.com:80"), ("control", "127.0.0.1"), ("control", "127.0.0.1:65536"),
        ("control", "unix:control.sock"), ("control", "unix:"), ("control", "unix:/"), ("listen", "unix:/run/gateway.sock"),
    ])
    func `an address that is none is refused by name`(setting: String, text: String) {
        let error = #expect(throws: SettingsError.self) {
            try plan { if setting == "listen" { $0.listen = text } else { $0.control = text } }
        }
        #expect(error?.setting == setting)
        #expect(error?.reason.contains("\"\(text)\"") == true)
    }

    @Test(arguments: ["0.0.0.0:0", "[::]:0", "192.0.2.1:8081", "[2001:db8::1]:8081"])
    func `a control listener open to the network is refused`(control: String) {
        for allowsAnonymous in [false, true] {
            let error = #expect(throws: SettingsError.self) {
                try plan {
                    $0.control = control
                    $0.allowAnonymous = allowsAnonymous
                }
            }
            #expect(error?.setting == "control")
        }
    }

    @Test func `a Unix-domain socket is of this machine, and needs no keys`() throws {
        let plan = try plan { $0.control = "unix:/run/gateway.sock" }
        #expect(plan.control.description == "unix:/run/gateway.sock")
        #expect(plan.apiKeys == nil)
    }

    @Test func `a path that no socket can have is refused by name`() throws {
        _ = try plan { $0.control = "unix:/" + String(repeating: "p", count: 106) }
        let error = #expect(throws: SettingsError.self) { try plan { $0.control = "unix:/" + String(repeating: "p", count: 107) } }
        #expect(error?.description == "control: the path is 108 bytes long, and that of a Unix-domain socket is 107 at most")
    }

    @Test func `TLS on a Unix-domain socket is refused`() {
        let error = #expect(throws: SettingsError.self) {
            try plan {
                $0.control = "unix:/run/gateway.sock"
                $0.controlTLS = true
            }
        }
        #expect(error?.setting == "control-tls")
        #expect(error?.reason.contains("of no use on a Unix-domain socket") == true)
    }

    @Test(arguments: ["0.0.0.0:8080", "[::]:0", "192.0.2.1:8080"])
    func `a public listener open to the network wants to be told that anybody may come`(listen: String) throws {
        let error = #expect(throws: SettingsError.self) { try plan { $0.listen = listen } }
        #expect(error?.setting == "listen")
        #expect(error?.reason.contains("--allow-anonymous") == true)
        _ = try plan {
            $0.listen = listen
            $0.allowAnonymous = true
        }
    }

    @Test func `the two listeners are two`() throws {
        let error = #expect(throws: SettingsError.self) { try plan { ($0.listen, $0.control) = ("127.0.0.1:9000", "localhost:9000") } }
        #expect(error?.setting == "control")
        _ = try plan { ($0.listen, $0.control) = ("127.0.0.1:0", "127.0.0.1:0") }
        _ = try plan { ($0.listen, $0.control) = ("127.0.0.1:9000", "[::1]:9000") }
    }

    @Test func `the echo service listens where it likes`() throws {
        _ = try plan {
            $0.echoes = true
            $0.listen = "0.0.0.0:9001"
        }
    }

    @Test func `the descriptor limit lowers the connections`() throws {
        let reserve = Plan.descriptorReserve(controlConnections: 256, workers: 4)
        #expect(reserve == 256 + 80 * 4 + 64)
        #expect(try plan(descriptorLimit: 1024).connectionsMax == 1024 - reserve)
        #expect(try plan(descriptorLimit: reserve + 1).connectionsMax == 1)
        #expect(try plan(descriptorLimit: 10_000 + reserve).connectionsMax == 10_000)
        let error = #expect(throws: SettingsError.self) { try plan(descriptorLimit: reserve) }
        #expect(error?.setting == "max-control-connections")
        #expect(error?.reason.contains("\(reserve)") == true)
    }

    @Test(arguments: [1, 2, 64, 65, 96, 256])
    func `without a number there is a worker per core, at most 64`(cores: Int) throws {
        #expect(try plan(cores: cores).workers == min(cores, 64))
    }

    @Test(
        arguments: [
            (HistoryLimits(), nil), (HistoryLimits(eventsMax: 0, bytesMax: 4096, retention: .milliseconds(10)), nil),
            (HistoryLimits(eventsMax: 500, bytesMax: 8192, retention: .seconds(60)), nil),
            (HistoryLimits(eventsMax: 501), "max_history_events: 501 is not within 0 to 500"),
            (HistoryLimits(eventsMax: -1), "max_history_events: -1 is not within 0 to 500"),
            (HistoryLimits(bytesMax: 8193), "max_history_bytes: 8193 is not within 4096 to 8192"),
            (HistoryLimits(bytesMax: 4095), "max_history_bytes: 4095 is not within 4096 to 8192"),
            (HistoryLimits(retention: .milliseconds(60_001)), "history_retention_ms: 60001 is not within 10 to 60000"),
            (HistoryLimits(retention: .zero), "history_retention_ms: 0 is not within 10 to 60000"),
            (HistoryLimits(retention: .seconds(Int64.max)), "history_retention_ms: 9223372036854775807 is not within 10 to 60000"),
        ] as [(HistoryLimits, String?)])
    func `an engine asks for as much history as any session has, or less`(limits: HistoryLimits, refusal: String?) throws {
        let plan = try plan { ($0.historyEventsMax, $0.historyBytesMax, $0.historyRetention) = (500, 8192, .seconds(60)) }
        guard let refusal else { return try plan.check(limits) }
        let error = #expect(throws: SettingsError.self) { try plan.check(limits) }
        #expect(error?.description == refusal + ", what this gateway keeps of any session")
    }

    @Test func `where none is kept an engine asks for none, and on disk for some`() throws {
        let none = try plan { $0.historyEventsMax = 0 }
        try none.check(HistoryLimits(eventsMax: 0))
        #expect(throws: SettingsError.self) { try none.check(HistoryLimits(eventsMax: 1)) }
        let stored = try plan { $0.dataDirectory = "/" }
        try stored.check(HistoryLimits(eventsMax: 1))
        let error = #expect(throws: SettingsError.self) { try stored.check(HistoryLimits(eventsMax: 0)) }
        #expect(error?.reason.contains("on disk") == true)
    }

    @Test func `a refused origin or proxy is refused here too`() {
        #expect(#expect(throws: SettingsError.self) { try plan { $0.allowedOrigins = ["x"] } }?.setting == "allowed-origins")
        #expect(#expect(throws: SettingsError.self) { try plan { $0.trustedProxies = ["x"] } }?.setting == "trusted-proxies")
    }

    @Test func `the PROXY protocol wants proxies`() throws {
        let error = #expect(throws: SettingsError.self) { try plan { $0.proxyProtocol = true } }
        #expect(error?.description == "proxy-protocol: needs the proxies that send it; pass --trusted-proxies")
        _ = try plan { ($0.proxyProtocol, $0.trustedProxies) = (true, ["10.0.0.0/8"]) }
    }

    @Test(arguments: [
        (75.0, 30.0, 0), (33.1, 30, 0), (33, 30, 1), (10, 30, 1), (0.01, 30, 1), (0, 30, 0), (10_000_000, 10_000_000, 1),
    ])
    func `a stale time-out that is over before the next heartbeat is warned of`(_ stale: Double, _ heartbeat: Double, _ count: Int) throws {
        let warnings = try plan {
            $0.staleTimeout = .seconds(stale)
            $0.heartbeatInterval = .seconds(heartbeat)
        }.warnings
        #expect(warnings.count == count)
        #expect(warnings.allSatisfy { $0.hasPrefix("stale-timeout (") && $0.contains("heartbeat-interval") })
    }

    @Test func `a time that is none is told`() throws {
        let error = try #require(throws: SettingsError.self) { try plan { $0.idleTimeout = .milliseconds(5) } }
        #expect(error == SettingsError("idle-timeout", "0.005 is not within 0.01 to 10000000 seconds"))
    }
}

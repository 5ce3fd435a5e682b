import EventLoop
import Sessions
import Testing

@testable import WebSocketGateway

@Suite("A reload")
struct WebSocketManagerReloadingTests {
    /// Puts the changed settings in force, and returns when every worker has them.
    private func reload(_ gateway: TestGateway, _ change: (inout GatewaySettings) -> Void) async throws {
        var settings = gateway.manager.settings
        change(&settings)
        try gateway.manager.reload(settings)
        _ = try await gateway.manager.switchboard.askAll { _ in }
    }

    private func reloads(_ gateway: TestGateway, _ result: String) -> Bool {
        gateway.manager.metrics.contains("wsg_reloads_total{result=\"\(result)\"} 1\n")
    }

    @Test func `what changes is told, and is in force at every worker`() async throws {
        try await TestGateway.run(workers: 3) { gateway in
            var settings = gateway.manager.settings
            settings.messageRate = 7
            settings.allowAnonymous = true
            let report = try gateway.manager.reload(settings)
            #expect(report.changes.map(\.name) == ["allow-anonymous", "message-rate"])
            #expect(report.changes.map(\.to) == ["true", "7"])
            #expect(report.files.isEmpty)
            let rates = try await gateway.manager.switchboard.askAll { $0.plan.messageLimits.messages.count }
            #expect(rates == [7, 7, 7])
            #expect(gateway.manager.settings == settings)
            #expect(try gateway.manager.reload() == ReloadReport(changes: [], files: []))
            _ = try await gateway.manager.switchboard.askAll { _ in }
            #expect(gateway.manager.metrics.contains("wsg_reloads_total{result=\"reloaded\"} 2\n"))
        }
    }

    /// Of every setting another value than its default, where not 77.
    private static let others = [
        "allow-anonymous": "true", "registered-sessions-only": "true", "control-tls": "true", "proxy-protocol": "true", "deflate": "false",
        "token-expiry": "close",
        "durability": "relaxed", "log-level": "debug", "allowed-origins": "https://a.example", "trusted-proxies": "10.0.0.1",
        "max-headers-bytes": "300", "max-message-bytes": "1000", "message-byte-burst": "70000", "max-publish-bytes": "600000",
        "max-event-bytes": "1000", "max-write-queue-bytes": "5000", "jwks-timeout": "50",
    ]

    @Test(arguments: SettingRow.all.filter { $0.change != .atStart && !$0.name.hasPrefix("jwt-") }.map(\.name))
    func `each setting that may change is another at every worker`(_ name: String) async throws {
        try await TestGateway.run(workers: 2) { gateway in
            let row = try #require(SettingRow.all.first { $0.name == name })
            var settings = gateway.manager.settings
            // Of no use without those who send it.
            if name == "proxy-protocol" { settings.trustedProxies = ["10.0.0.2"] }
            try gateway.manager.reload(settings)
            let value = Self.others[name] ?? "77"
            try row.read(value, &settings)
            #expect(try gateway.manager.reload(settings).changes.map(\.name) == [name])
            #expect(try await gateway.manager.switchboard.askAll { row.text($0.plan.settings) } == [value, value])
        }
    }

    @Test(arguments: SettingRow.all.filter { $0.change == .atStart }.map(\.name))
    func `each setting that may not is refused by its name`(_ name: String) throws {
        let manager = try WebSocketManager(TestGateway.settings(workers: 1))
        let row = try #require(SettingRow.all.first { $0.name == name })
        var settings = manager.settings
        try row.read(Self.others[name] ?? "77", &settings)
        #expect(throws: ReloadRefusal.needsRestart([name])) { try manager.reload(settings) }
    }

    @Test func `every setting that needs a restart is named, and nothing changes`() async throws {
        try await TestGateway.run { gateway in
            let before = gateway.manager.settings
            var settings = before
            (settings.workers, settings.listen, settings.connectionsMax) = (7, "127.0.0.1:1", 5)
            #expect(throws: ReloadRefusal.needsRestart(["listen", "workers"])) { try gateway.manager.reload(settings) }
            #expect(gateway.manager.settings == before)
            #expect(await eventually { reloads(gateway, "needs_restart") })
        }
    }

    @Test func `a value out of its range is refused by its name, and nothing changes`() async throws {
        try await TestGateway.run { gateway in
            let before = gateway.manager.settings
            var settings = before
            (settings.connectionsMax, settings.messageRate) = (5, 0)
            #expect(throws: ReloadRefusal.invalid(SettingsError("message-rate", "0 is not within 1 to 1000000000"))) {
                try gateway.manager.reload(settings)
            }
            #expect(gateway.manager.settings == before)
            #expect(gateway.manager.connectionsMax != 5)
            #expect(await eventually { reloads(gateway, "invalid") })
        }
    }

    @Test func `before the start and after the end it harms nobody`() async throws {
        let manager = try WebSocketManager(TestGateway.settings(workers: 1))
        var settings = manager.settings
        settings.messageRate = 9
        try manager.reload(settings)
        _ = try await manager.start()
        #expect(try await manager.switchboard.ask(0) { $0.plan.messageLimits.messages.count } == 9)
        await manager.stop()
        settings.messageRate = 10
        try manager.reload(settings)
        #expect(manager.settings.messageRate == 10)
    }

    @Test func `fewer connections than there are evict nobody, and nobody is let in until there are fewer`() async throws {
        try await TestGateway.run { gateway in
            let clients = [try await gateway.join("s1"), try await gateway.join("s1"), try await gateway.join("s1")]
            try await reload(gateway) { $0.connectionsMax = 2 }
            #expect(gateway.manager.connectionsMax == 2)
            let refused = await offPool { [port = gateway.port] in SocketClient(port: port, "s1") == nil }
            #expect(refused)
            #expect(try await gateway.publish(1, to: "s1").connections == 3)
            for client in clients { #expect(await offPool { client.nextEvent()?.data["n"] } == .int(1)) }
            clients[0].close()
            clients[1].close()
            #expect(try await eventually { try await gateway.manager.connectionCount() == 1 })
            _ = try await gateway.join("s1")
            try await reload(gateway) { $0.connectionsMax = 100 }
            _ = try await gateway.join("s1")
        }
    }

    @Test func `the limits of a session and of all sessions hold from the next who comes`() async throws {
        try await TestGateway.run(workers: 1) { gateway in
            let client = try await gateway.join("s1")
            try await reload(gateway) { ($0.connectionsPerSessionMax, $0.sessionsMax) = (1, 1) }
            let port = gateway.port
            #expect(await offPool { SocketClient(port: port, "s1") == nil })
            await #expect(throws: PublishRefusal.tooManySessions) { try await gateway.publish(1, to: "s2") }
            try await reload(gateway) { ($0.connectionsPerSessionMax, $0.sessionsMax) = (2, 2) }
            _ = try await gateway.join("s1")
            try await gateway.publish(1, to: "s2")
            client.close()
        }
    }

    @Test func `who has used up a low rate has the higher one at once`() async throws {
        try await TestGateway.run({ ($0.messageRate, $0.messageBurst, $0.messageExcessMax) = (1, 5, 1000) }) { gateway in
            let client = try await gateway.join("s1")
            // 5 pass; the sixth is refused, once.
            for _ in 0..<8 { client.send(#"{"action":"ping"}"#) }
            let answers = await offPool { (0..<6).map { _ in client.next()?.type } }
            #expect(answers == Array(repeating: "heartbeat", count: 5) + ["error"])
            try await reload(gateway) { ($0.messageRate, $0.messageBurst) = (1_000_000, 1_000_000) }
            #expect(
                await eventually {
                    await offPool {
                        client.send(#"{"action":"ping"}"#); return client.next()?.type
                    } == "heartbeat"
                })
            for _ in 0..<1000 { client.send(#"{"action":"ping"}"#) }
            #expect(await offPool { (0..<1000).allSatisfy { _ in client.next()?.type == "heartbeat" } })
        }
    }

    @Test func `a connection keeps the size of message that it came with`() async throws {
        try await TestGateway.run({ $0.messageBytesMax = 1000 }) { gateway in
            let earlier = try await gateway.join("s1")
            try await reload(gateway) { $0.messageBytesMax = 200 }
            let later = try await gateway.join("s1")
            let message = #"{"action":"ping","x":"\#(String(repeating: "x", count: 300))"}"#
            for client in [earlier, later] { client.send(message) }
            #expect(await offPool { earlier.next()?.type } == "heartbeat")
            #expect(await offPool { later.next() == nil })
            guard case .closed(1009, _)? = later.end else { return #expect(Bool(false), "\(String(describing: later.end))") }
        }
    }

    @Test func `a shorter interval brings the next heartbeat, and a shorter stale time nobody's end`() async throws {
        try await TestGateway.run({ $0.staleTimeout = .seconds(3600) }) { gateway in
            let client = try await gateway.join("s1")
            try await reload(gateway) { ($0.heartbeatInterval, $0.staleTimeout) = (.milliseconds(20), .seconds(30)) }
            #expect(await offPool { client.next()?.type } == "heartbeat")
            #expect(await offPool { client.next()?.type } == "heartbeat")
            let now = try await gateway.manager.switchboard.askAll { core in core.clients.map { $0.silence(now: core.now) } }
            #expect(now.joined().allSatisfy { $0 < 30_000 })
        }
    }

    @Test func `an event's size is judged by the settings of now, whoever publishes`() async throws {
        try await TestGateway.run { gateway in
            let engine = try await gateway.engine()
            let body = #"{"type":"candle","data":{"x":"\#(String(repeating: "x", count: 100))"}}"#
            let publish: @Sendable () -> UInt16? = { engine.call("POST", "/v1/sessions/s1/events", body)?.status }
            #expect(await offPool(publish) == 200)
            try await reload(gateway) { $0.eventBytesMax = 64 }
            #expect(await offPool(publish) == 413)
            let event = Event(type: .candle, data: ["x": .string(String(repeating: "x", count: 100))])
            await #expect(throws: InvalidEvent.self) { try await gateway.manager.broadcastToSession("s1", event) }
            try await reload(gateway) { $0.eventBytesMax = 1000 }
            #expect(await offPool(publish) == 200)
            _ = try await gateway.manager.broadcastToSession("s1", event)
        }
    }

    @Test func `what waits for a slow client under a greater limit closes it under no smaller one`() throws {
        let settings = GatewaySettings()
        let plan = try Plan(settings, descriptorLimit: 100_000, cores: 2, memoryBytes: 1 << 30)
        var smaller = settings
        (smaller.writeQueueBytesMax, smaller.eventBytesMax) = (4096, 64)
        #expect(
            try Plan(smaller, descriptorLimit: 100_000, cores: 2, memoryBytes: 1 << 30, replacing: plan).outboxBytesMax
                == plan.outboxBytesMax)
        #expect(try Plan(smaller, descriptorLimit: 100_000, cores: 2, memoryBytes: 1 << 30).outboxBytesMax < plan.outboxBytesMax)
    }

    @Test func `a storm of reloads from several threads, under load, loses no event and no connection`() async throws {
        try await TestGateway.run(workers: 3) { gateway in
            let clients = [try await gateway.join("s1"), try await gateway.join("s1"), try await gateway.join("s2")]
            let events = 300
            let isPublished = Locked(false)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for storm in 0..<2 {
                    group.addTask {
                        var turn = 0
                        while !isPublished.withLock({ $0 }) {
                            turn += 1
                            var settings = gateway.manager.settings
                            settings.connectionsMax = 10 + turn % 7
                            settings.messageRate = 50 + turn % 5
                            settings.heartbeatInterval = .seconds(3600 + turn % 2)
                            settings.writeQueueBytesMax = 1_048_576 + turn % 3
                            if storm == 1, turn.isMultiple(of: 3) { settings.workers = 1 }
                            do throws(ReloadRefusal) { try gateway.manager.reload(settings) } catch {
                                #expect(error == .needsRestart(["workers"]))
                            }
                            await Task.yield()
                        }
                    }
                }
                group.addTask {
                    for number in 1...events {
                        for session in ["s1", "s2"] { try await gateway.publish(number, to: session) }
                    }
                    isPublished.withLock { $0 = true }
                }
                try await group.waitForAll()
            }
            for client in clients {
                #expect(await offPool { client.events(events).map { $0.data["n"] } } == (1...events).map { .int(Int64($0)) })
            }
        }
    }
}

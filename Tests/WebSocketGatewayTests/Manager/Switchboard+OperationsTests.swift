import EventLoop
import Sessions
import Testing

@testable import WebSocketGateway

@Suite("The manager: one connection, one session")
struct SwitchboardOperationsTests {
    private func connectionID(_ client: SocketClient) throws -> ConnectionID { try #require(ConnectionID(client.id)) }

    private func strangerID(_ worker: Int, _ slot: UInt32) -> ConnectionID {
        var random = SystemRandomNumberGenerator()
        return ConnectionID(worker: worker, slot: slot, using: &random)
    }

    // MARK: One connection

    @Test(arguments: [1, 2, 4])
    func `an event to one connection reaches that one, without an id`(workers: Int) async throws {
        try await TestGateway.run(workers: workers) { gateway in
            var clients: [SocketClient] = []
            for _ in 0..<6 { clients.append(try await gateway.join("s")) }
            for (i, client) in clients.enumerated() {
                #expect(try await gateway.manager.sendToConnection(connectionID(client), .error(code: "C\(i)", message: "m")))
            }
            try await gateway.publish(1, to: "s")
            for (i, client) in clients.enumerated() {
                let events = await offPool { client.events(2) }
                #expect(events.map(\.type) == ["error", "candle"])
                #expect(events.first?.id == nil)
                #expect(events.first?.data["error_code"]?.stringValue == "C\(i)")
                #expect(events.last?.sequence == 1, "it took no place in the stream")
            }
        }
    }

    @Test(arguments: [1, 2, 4])
    func `a connection is there until it is disconnected, with 1000`(workers: Int) async throws {
        try await TestGateway.run(workers: workers) { gateway in
            let manager = gateway.manager
            var clients: [SocketClient] = []
            for _ in 0..<5 { clients.append(try await gateway.join("s")) }
            let ids = try clients.map(connectionID)
            #expect(Set(ids).count == 5)
            #expect(try await Set(manager.sessionConnections("s")) == Set(ids))
            #expect(try await manager.sessionConnections("nobody").isEmpty)
            for id in ids { #expect(await manager.isConnected(id)) }
            #expect(await manager.disconnect(ids[0]))
            #expect(await !manager.isConnected(ids[0]))
            #expect(await !manager.disconnect(ids[0]))
            #expect(await manager.connectionMetadata(ids[0]) == nil)
            #expect(try await !manager.sendToConnection(ids[0], .heartbeat()))
            #expect(try await Set(manager.sessionConnections("s")) == Set(ids[1...]))
            #expect(try await manager.connectionCount("s") == 4)
            #expect(try await manager.connectionCount() == 4)
            let first = clients[0]
            #expect(await offPool { first.rest() }.isEmpty)
            #expect(first.end == .closed(1000, "disconnected"))
        }
    }

    @Test func `ids that nobody has find nothing`() async throws {
        try await TestGateway.run(workers: 2) { gateway in
            let client = try await gateway.join("s")
            let id = try connectionID(client)
            // The same place under another name, and places that do not exist.
            for (worker, slot) in [(id.worker, id.slot), (7, 0), (0, 0xff_ffff), (255, 0)] as [(Int, UInt32)] {
                let stranger = strangerID(worker, slot)
                #expect(await !gateway.manager.isConnected(stranger))
                #expect(await !gateway.manager.disconnect(stranger))
                #expect(await gateway.manager.connectionMetadata(stranger) == nil)
            }
            #expect(await gateway.manager.isConnected(id))
        }
    }

    @Test(arguments: [1, 2])
    func `metadata tells who is connected`(workers: Int) async throws {
        try await TestGateway.run(workers: workers) { gateway in
            let before = Timestamp(microsecondsSince1970: Clocks.wallMicroseconds)
            let client = try await gateway.join("ft-1", kind: "forward")
            let metadata = try #require(await gateway.manager.connectionMetadata(connectionID(client)))
            #expect(metadata.connectionID.description == client.id)
            #expect(metadata.sessionID.description == "ft-1")
            #expect(metadata.kind == .forward)
            #expect(metadata.remoteAddress == "127.0.0.1")
            #expect(metadata.subject == nil)
            #expect(metadata.queuedBytes == 0 && metadata.lag == 0)
            #expect(metadata.roundTripMilliseconds == nil)
            let after = Timestamp(microsecondsSince1970: Clocks.wallMicroseconds)
            #expect(before <= metadata.connectedAt && metadata.connectedAt <= after)
            #expect(metadata.lastHeartbeat == metadata.connectedAt)
            client.send(#"{"action":"ping"}"#)
            #expect(await offPool { client.next() }?.type == "heartbeat")
            let heard = try #require(await gateway.manager.connectionMetadata(connectionID(client)))
            #expect(heard.lastHeartbeat > metadata.lastHeartbeat)
        }
    }

    @Test func `a ping's round trip is measured`() async throws {
        try await TestGateway.run(workers: 1, { $0.heartbeatInterval = .milliseconds(20) }) { gateway in
            let client = try await gateway.join("s")
            let id = try connectionID(client)
            // Reading answers the pings.
            for _ in 0..<4 { _ = await offPool { client.next() } }
            let measured = await eventually { await gateway.manager.connectionMetadata(id)?.roundTripMilliseconds != nil }
            #expect(measured)
            #expect(try #require(await gateway.manager.connectionMetadata(id)?.roundTripMilliseconds) >= 0)
        }
    }

    @Test(arguments: [1, 2])
    func `connections are counted, for one session and over all`(workers: Int) async throws {
        try await TestGateway.run(workers: workers) { gateway in
            #expect(try await gateway.manager.connectionCount() == 0)
            var clients: [SocketClient] = []
            for i in 0..<6 { clients.append(try await gateway.join("s\(i % 2)", kind: i < 3 ? "backtest" : "forward")) }
            #expect(try await gateway.manager.connectionCount() == 6)
            #expect(try await gateway.manager.connectionCount("s0") == 3)
            #expect(try await gateway.manager.connectionCount("none") == 0)
            await #expect(throws: SessionIDError.self) { try await gateway.manager.connectionCount("") }
            for client in clients { client.close() }
            let gone = try await eventually { try await gateway.manager.connectionCount() == 0 }
            #expect(gone)
        }
    }

    @Test(arguments: [1, 2])
    func `cleaning up closes the silent with 4411 and keeps the others`(workers: Int) async throws {
        try await TestGateway.run(workers: workers) { gateway in
            let silent = try await gateway.join("s")
            let begin = Clocks.monotonicNanoseconds
            let aMoment = await eventually { Clocks.monotonicNanoseconds > begin + 6_000_000_000 }
            #expect(aMoment)
            let lively = try await gateway.join("s")
            #expect(await gateway.manager.cleanupStaleConnections(maxAge: .seconds(3600)) == 0)
            #expect(await gateway.manager.cleanupStaleConnections() == 0)
            // However long the second took to come in, the first has been silent for that and the moment. A second is for the loops' clocks.
            let silence = Duration.nanoseconds(Clocks.monotonicNanoseconds - begin)
            #expect(await gateway.manager.cleanupStaleConnections(maxAge: silence - .seconds(1)) == 1)
            _ = await offPool { silent.rest() }
            #expect(silent.end == .closed(4411, "not heard for too long"))
            #expect(try await gateway.manager.isConnected(connectionID(lively)))
            #expect(await gateway.manager.cleanupStaleConnections(maxAge: .seconds(Int64.max)) == 0, "the longest age there is")
        }
    }

    @Test func `clients not heard for too long are closed with 4411 by themselves`() async throws {
        let change: (inout GatewaySettings) -> Void = {
            $0.staleTimeout = .milliseconds(200)
            $0.heartbeatInterval = .seconds(60)
        }
        try await TestGateway.run(workers: 1, change) { gateway in
            let client = try await gateway.join("s")
            _ = await offPool { client.rest() }
            guard case .closed(4411, _)? = client.end else {
                Issue.record("ended by \(String(describing: client.end))")
                return
            }
        }
    }

    // MARK: Sessions

    @Test(arguments: [1, 2, 4])
    func `a session is registered, changed, listed and ended`(workers: Int) async throws {
        try await TestGateway.run(workers: workers) { gateway in
            let manager = gateway.manager
            for session in ["c", "a", "b"] {
                #expect(try await manager.registerSession(session, SessionRegistration(kind: .backtest, owner: "u")))
                #expect(try await !manager.registerSession(session, SessionRegistration(kind: .backtest, connectionsMax: 1)))
            }
            let sessions = await manager.sessions()
            #expect(sessions.map(\.id.description) == ["a", "b", "c"])
            #expect(
                sessions[0].registration == SessionRegistration(kind: .backtest, connectionsMax: 1),
                "a registration replaces the one before")
            #expect(sessions[0].lastID == nil && sessions[0].connections == 0)
            let client = try await gateway.join("a")
            let port = gateway.port
            #expect(await offPool { SocketClient(port: port, "a") == nil }, "one connection is registered")
            #expect(await offPool { SocketClient(port: port, "b", kind: "forward") == nil }, "the other route")
            #expect(try await manager.endSession("a"))
            #expect(try await !manager.endSession("a"))
            #expect(await manager.sessions().map(\.id.description) == ["b", "c"])
            _ = await offPool { client.rest() }
            #expect(client.end == .closed(1000, "session ended"))
            await #expect(throws: SessionIDError.self) { try await manager.registerSession("ä") }
            let tooMuch = SessionRegistration(history: HistoryLimits(eventsMax: GatewaySettings().historyEventsMax + 1))
            await #expect(throws: SettingsError.self) { try await manager.registerSession("c", tooMuch) }
        }
    }

    @Test(arguments: [1, 2, 4])
    func `a session ended and begun again is a new stream, whose members lose nothing to those still leaving`(workers: Int) async throws {
        try await TestGateway.run(workers: workers) { gateway in
            for round in 0..<8 {
                let session = "s\(round % 3)"
                var old: [SocketClient] = []
                for _ in 0..<6 { old.append(try await gateway.join(session)) }
                let before = try await gateway.publish(1, to: session)
                #expect(before.sent == 6)
                #expect(before.lastID.sequence == 1)
                #expect(try await gateway.manager.endSession(session))
                // The old clients have their close frame but have not answered it.
                var new: [SocketClient] = []
                for number in 1...4 {
                    new.append(try await gateway.join(session))
                    let receipt = try await gateway.publish(number, to: session)
                    #expect(receipt.lastID.sequence == UInt64(number))
                    #expect(receipt.lastID.epoch != before.lastID.epoch)
                    #expect(receipt.connections == number && receipt.sent == number)
                    // Half of the old ones answer and leave now.
                    if number == 2 {
                        for client in old[..<3] {
                            let got = await offPool { client.rest() }
                            #expect(got.map(\.sequence) == [1])
                            #expect(client.end == .closed(1000, "session ended"))
                            client.close()
                        }
                    } else if number == 3 {
                        for client in old[3...] { client.reset() }
                    }
                }
                for (i, client) in new.enumerated() { #expect(await offPool { client.sequences(4 - i) } == (i + 1...4).map { $0 }) }
                #expect(try await gateway.manager.connectionCount(session) == 4)
                #expect(try await gateway.manager.endSession(session))
            }
        }
    }

    @Test func `only registered or published sessions are served where the settings say so`() async throws {
        try await TestGateway.run(workers: 2, { $0.registeredSessionsOnly = true }) { gateway in
            let port = gateway.port
            #expect(await offPool { SocketClient(port: port, "unknown") == nil })
            try await gateway.manager.registerSession("registered")
            try await gateway.publish(1, to: "published")
            _ = try await gateway.join("registered")
            _ = try await gateway.join("published")
            #expect(await gateway.manager.sessions().count == 2)
        }
    }

    // MARK: Addresses

    @Test func `a proxied client that is refused and tries again on the same connection uses its address's allowance once`() async throws {
        let change: (inout GatewaySettings) -> Void = {
            $0.trustedProxies = ["127.0.0.1"]
            $0.connectionsPerSessionMax = 1
            $0.connectionsPerAddressMax = 3
        }
        try await TestGateway.run(workers: 1, change) { gateway in
            let proxied = [("X-Forwarded-For", "203.0.113.9")]
            let upgrade =
                proxied + [
                    ("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
                    ("Sec-WebSocket-Version", "13"),
                ]
            let inside = try await gateway.join("full")
            let port = gateway.port
            let again = try #require(await offPool { HTTPClient(port: port) })
            for _ in 0..<5 {
                let answer = await offPool { again.call("GET", "/ws/backtest/full", headers: upgrade) }
                #expect(answer?.errorCode == "SESSION_LIMIT")
            }
            again.close()
            // Nobody of that address is connected any more.
            let allowed = await eventually(seconds: 3) {
                await offPool {
                    let client = SocketClient(port: port, "other", headers: proxied)
                    client?.close()
                    return client != nil
                }
            }
            #expect(allowed, "the address's allowance leaked")
            inside.close()
        }
    }
}

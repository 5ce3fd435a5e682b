import EventLoop
import Sessions
import Testing
import WebSocket

@testable import WebSocketGateway

@Suite("The manager: events reach their clients")
struct WebSocketManagerTests {
    // MARK: Broadcasting

    @Test(arguments: [1, 2, 4])
    func `an event reaches every client of its session, wherever that has its home, and the receipt is true`(workers: Int) async throws {
        try await TestGateway.run(workers: workers) { gateway in
            // By chance alone a worker stays without a home, or without a client, less than once in a thousand runs.
            let sessions = (0..<12).map { "s\($0)" }
            var clients: [String: [SocketClient]] = [:]
            for (i, session) in sessions.enumerated() {
                for _ in 0..<(3 + i % 3) { clients[session, default: []].append(try await gateway.join(session)) }
            }
            for number in 1...3 {
                for session in sessions {
                    let receipt = try await gateway.publish(number, to: session)
                    let count = try #require(clients[session]).count
                    #expect(receipt.connections == count)
                    #expect(receipt.sent == count)
                    #expect(receipt.queued == 0 && receipt.dropped == 0 && receipt.conflated == 0)
                    #expect(receipt.count == 1)
                    #expect(receipt.firstID == receipt.lastID)
                    #expect(receipt.lastID.sequence == UInt64(number))
                }
            }
            for session in sessions {
                for client in try #require(clients[session]) {
                    let events = await offPool { client.events(3) }
                    #expect(events.map(\.sequence) == [1, 2, 3])
                    #expect(events.map { $0.data["n"]?.intValue } == [1, 2, 3])
                    #expect(Set(events.compactMap { $0.id?.split(separator: "-").first }).count == 1)
                }
            }
        }
    }

    @Test(arguments: [1, 2, 4])
    func `an engine's request and a call of the manager publish to the same stream`(workers: Int) async throws {
        try await TestGateway.run(workers: workers) { gateway in
            for session in (0..<12).map({ "s\($0)" }) {
                let client = try await gateway.join(session)
                let engine = try await gateway.engine()
                for number in 1...4 {
                    if number % 2 == 0 {
                        let receipt = try await gateway.publish(number, to: session)
                        #expect(receipt.lastID.sequence == UInt64(number))
                        #expect(receipt.connections == 1)
                    } else {
                        let answer = await offPool {
                            engine.call("POST", "/v1/sessions/\(session)/events", #"{"type":"candle","data":{"n":\#(number)}}"#)
                        }
                        #expect(answer?.status == 200)
                        #expect(answer?.json["sequence"]?.intValue == Int64(number))
                        #expect(answer?.json["connections"]?.intValue == 1, "\(session) has one client")
                        #expect(answer?.json["sent"]?.intValue == 1)
                    }
                }
                // What did not come is not waited for: the last event is the manager's.
                let info = await gateway.manager.sessions().filter { $0.id.description == session }
                #expect(info.count == 1, "\(session) is known \(info.count) times")
                if info.first?.lastID?.sequence == 4 {
                    #expect(await offPool { client.sequences(4) } == [1, 2, 3, 4])
                }
                client.close()
                engine.close()
            }
        }
    }

    @Test(arguments: [1, 2, 4])
    func `whatever many tasks publish, every client sees the same ids, ascending by one`(workers: Int) async throws {
        try await TestGateway.run(workers: workers) { gateway in
            let sessions = ["a", "b", "c"]
            var clients: [(session: String, client: SocketClient)] = []
            for session in sessions { for _ in 0..<4 { clients.append((session, try await gateway.join(session))) } }
            let (tasks, each) = (8, 25)
            await withTaskGroup(of: Void.self) { group in
                for task in 0..<tasks {
                    group.addTask {
                        for number in 0..<each {
                            for session in sessions {
                                let receipt = try? await gateway.manager.broadcastToSession(
                                    session, Event(type: .candle, data: ["task": .int(Int64(task)), "n": .int(Int64(number))]))
                                #expect(receipt?.connections == 4)
                                #expect(receipt?.sent == 4)
                            }
                        }
                    }
                }
            }
            var order: [String: [String?]] = [:]
            for (session, client) in clients {
                let events = await offPool { client.events(tasks * each) }
                #expect(events.map(\.sequence) == (1...tasks * each).map { $0 })
                let ids = events.map { "\($0.id ?? "") \($0.data.encoded)" }
                if let first = order[session] { #expect(ids == first) } else { order[session] = ids }
                // What one task published stays in its order.
                for task in 0..<tasks {
                    #expect(
                        events.filter { $0.data["task"]?.intValue == Int64(task) }.compactMap { $0.data["n"]?.intValue }
                            == (0..<Int64(each)).map { $0 })
                }
            }
        }
    }

    @Test(arguments: [1, 2, 4])
    func `a broadcast to all enters the stream of every session`(workers: Int) async throws {
        try await TestGateway.run(workers: workers) { gateway in
            let nobody = try await gateway.manager.broadcastToAll(Event(type: .statsUpdate, data: [:]))
            #expect(nobody == BroadcastReceipt(sessions: 0, connections: 0, sent: 0, queued: 0))
            let sessions = (0..<9).map { "s\($0)" }
            var clients: [SocketClient] = []
            for (i, session) in sessions.enumerated() {
                for _ in 0..<(1 + i % 2) { clients.append(try await gateway.join(session)) }
            }
            try await gateway.manager.registerSession("empty")
            for number in 1...3 as ClosedRange<Int64> {
                let receipt = try await gateway.manager.broadcastToAll(Event(type: .statsUpdate, data: ["n": .int(number)]))
                #expect(receipt == BroadcastReceipt(sessions: 10, connections: clients.count, sent: clients.count, queued: 0))
            }
            for client in clients {
                let events = await offPool { client.events(3) }
                #expect(events.map(\.sequence) == [1, 2, 3])
                #expect(events.map { $0.data["n"]?.intValue } == [1, 2, 3])
            }
            let empty = await gateway.manager.sessions().first { $0.id.description == "empty" }
            #expect(empty?.lastID?.sequence == 3)
        }
    }

    @Test func `a session nobody watches takes events all the same`() async throws {
        try await TestGateway.run { gateway in
            let receipt = try await gateway.publish(1, to: "alone")
            #expect(receipt.connections == 0 && receipt.sent == 0)
            let client = try await gateway.join("alone")
            #expect(client.connected?.data["last_id"]?.stringValue == receipt.lastID.description)
            #expect(try await gateway.publish(2, to: "alone").connections == 1)
            #expect(await offPool { client.nextEvent() }?.sequence == 2)
        }
    }

    @Test func `what cannot be published is refused before anything is done`() async throws {
        try await TestGateway.run { gateway in
            await #expect(throws: SessionIDError.self) { try await gateway.publish(1, to: "no/slash") }
            await #expect(throws: SessionIDError.empty) { try await gateway.publish(1, to: "") }
            await #expect(throws: InvalidEvent.self) {
                try await gateway.manager.broadcastToSession("s", Event(type: .candle, data: [:], key: String(repeating: "k", count: 257)))
            }
            await #expect(throws: InvalidEvent.self) { try await gateway.manager.broadcastToAll(Event(type: .candle, data: [:], key: "")) }
            #expect(await gateway.manager.sessions().isEmpty)
        }
    }

    @Test(arguments: [1, 2])
    func `sessions are only so many`(workers: Int) async throws {
        try await TestGateway.run(workers: workers, { $0.sessionsMax = 4 }) { gateway in
            var taken = 0
            for i in 0..<20 {
                do {
                    try await gateway.publish(1, to: "s\(i)")
                    taken += 1
                } catch {
                    #expect(error as? PublishRefusal == .tooManySessions)
                }
            }
            #expect(taken <= 4)
            #expect(await gateway.manager.sessions().count == taken)
        }
    }

    // MARK: Filters

    @Test(arguments: [1, 2])
    func `a client that wants some types gets those, whatever their length, and is counted for those alone`(workers: Int) async throws {
        try await TestGateway.run(workers: workers) { gateway in
            let all = try await gateway.join("s")
            let some = try await gateway.join("s", query: "?types=mine,candle")
            let mine = try #require(EventType(rawValue: "mine"))
            let other = try #require(EventType(rawValue: "other"))
            // One of 256 lengths has a byte in its frame's header that looks like a quote.
            for number in 0..<300 {
                let event = Event(type: mine, data: ["p": .string(String(repeating: "x", count: number))])
                let receipt = try await gateway.manager.broadcastToSession("s", event)
                #expect(receipt.connections == 2, "with \(number) bytes of padding")
            }
            #expect(try await gateway.manager.broadcastToSession("s", Event(type: other, data: [:])).connections == 1)
            #expect(try await gateway.manager.broadcastToSession("s", Event(type: .candle, data: [:])).connections == 2)
            #expect(await offPool { all.events(302) }.map(\.sequence) == (1...302).map { $0 })
            some.send(#"{"action":"ping"}"#)
            var seen: [Int] = []
            var delivered: Int64?
            while delivered == nil, let message = await offPool({ some.next() }) {
                if let sequence = message.sequence { seen.append(sequence) } else { delivered = message.data["delivered"]?.intValue }
            }
            #expect(seen == (1...300).map { $0 } + [302])
            #expect(delivered == 301, "the heartbeat proves what was delivered")
        }
    }

    // MARK: Slow clients

    @Test(arguments: [1, 2])
    func `where nothing is kept a slow client's events are queued until its queue is full, then it is closed with 4408`(workers: Int)
        async throws
    {
        let change: (inout GatewaySettings) -> Void = {
            $0.sendBufferBytes = 4096
            $0.writeQueueBytesMax = 100_000
            $0.historyEventsMax = 0
        }
        try await TestGateway.run(workers: workers, change) { gateway in
            let slow = try await gateway.join("s", receiveBufferBytes: 4096)
            let fast = try await gateway.join("s")
            let event = Event(type: .candle, data: ["p": .string(String(repeating: "x", count: 10_000))])
            var published = 0
            var (sent, queued, dropped, lagMost) = (0, 0, 0, 0)
            while dropped == 0, published < 2000 {
                published += 1
                let receipt = try await gateway.manager.broadcastToSession("s", event)
                #expect(receipt.connections == 2)
                #expect(receipt.sent + receipt.queued + receipt.dropped == 2)
                if receipt.queued > 0 {
                    queued += 1
                    let metadata = await gateway.manager.connectionMetadata(try #require(ConnectionID(slow.id)))
                    #expect(try #require(metadata).queuedBytes <= 100_000)
                    lagMost = max(lagMost, try #require(metadata).lag)
                } else if receipt.dropped == 0 {
                    sent += 1
                }
                dropped += receipt.dropped
                // The fast one reads.
                #expect(await offPool { fast.nextEvent() }?.sequence == published)
            }
            #expect(queued >= 8, "about ten events fit the queue")
            #expect(dropped == 1)
            #expect((8...10).contains(lagMost), "lagged by \(lagMost) at most")
            #expect(try await gateway.manager.connectionCount("s") == 1)
            #expect(try await gateway.publish(0, to: "s").connections == 1)
            // Once it reads, it gets whole messages in order, and why it was closed.
            let got = await offPool { slow.rest() }
            #expect(slow.end == .closed(4408, "write queue full; resume with the last id"))
            #expect(got.map(\.sequence) == (1..<got.count + 1).map { $0 })
            #expect(got.count >= sent)
            #expect(gateway.manager.metrics.contains("wsg_slow_closes_total{reason=\"queue_full\"} 1\n"))
            let drained = await eventually { gateway.manager.metrics.contains("wsg_queued_bytes 0\n") }
            #expect(drained)
        }
    }

    @Test func `an event larger than the whole queue never leaves half a message`() async throws {
        let change: (inout GatewaySettings) -> Void = {
            $0.sendBufferBytes = 4096
            $0.writeQueueBytesMax = 4096
            $0.historyEventsMax = 0
        }
        try await TestGateway.run(workers: 1, change) { gateway in
            let slow = try await gateway.join("s", receiveBufferBytes: 4096)
            let event = Event(type: .candle, data: ["p": .string(String(repeating: "x", count: 400_000))])
            let receipt = try await gateway.manager.broadcastToSession("s", event)
            #expect(receipt.connections == 1)
            #expect(receipt.sent == 0)
            _ = await offPool { slow.rest() }
            // The kernel has the beginning of the event already: nothing may follow it but its rest (RFC 6455 §5.4).
            #expect(slow.end == .closed(4408, "write queue full; resume with the last id"))
        }
    }

    @Test func `a client whose queue makes no progress is closed with 4408`() async throws {
        let change: (inout GatewaySettings) -> Void = {
            $0.sendBufferBytes = 4096
            $0.writeTimeout = .milliseconds(200)
        }
        try await TestGateway.run(workers: 1, change) { gateway in
            let slow = try await gateway.join("s", receiveBufferBytes: 4096)
            let event = Event(type: .candle, data: ["p": .string(String(repeating: "x", count: 300_000))])
            let receipt = try await gateway.manager.broadcastToSession("s", event)
            #expect(receipt.queued == 1)
            let closed = await eventually { gateway.manager.metrics.contains("wsg_slow_closes_total{reason=\"no_progress\"} 1\n") }
            #expect(closed)
            let got = await offPool { slow.rest() }
            #expect(got.map(\.sequence) == [1])
            #expect(slow.end == .closed(4408, "no progress; resume with the last id"))
        }
    }

    @Test func `a client that comes back to reading gets everything and is healthy again`() async throws {
        try await TestGateway.run(workers: 2, { $0.sendBufferBytes = 4096 }) { gateway in
            let slow = try await gateway.join("s", receiveBufferBytes: 4096)
            let event = Event(type: .candle, data: ["p": .string(String(repeating: "x", count: 5000))])
            var published = 0
            var queued = 0
            while queued < 20, published < 1000 {
                published += 1
                queued += try await gateway.manager.broadcastToSession("s", event).queued
            }
            #expect(queued == 20)
            let count = published
            #expect(await offPool { slow.sequences(count) } == (1...count).map { $0 })
            let healthy = await eventually { await gateway.manager.connectionMetadata(ConnectionID(slow.id)!)?.queuedBytes == 0 }
            #expect(healthy)
            #expect(try await gateway.publish(0, to: "s").sent == 1)
            #expect(await offPool { slow.nextEvent() }?.sequence == count + 1)
        }
    }

    // MARK: Leaving

    @Test(arguments: [1, 2, 4])
    func `clients that leave in the middle of it all harm nobody`(workers: Int) async throws {
        try await TestGateway.run(workers: workers) { gateway in
            let staying = try await [gateway.join("s"), gateway.join("s")]
            var leaving: [SocketClient] = []
            for _ in 0..<12 { leaving.append(try await gateway.join("s")) }
            let goers = leaving
            async let gone: Void = offPool {
                for (i, client) in goers.enumerated() {
                    switch i % 3 {
                    case 0: client.close()
                    case 1: client.reset()
                    default:
                        client.send(.close, [0x03, 0xe8])
                        _ = client.rest()
                        client.close()
                    }
                }
            }
            for number in 1...200 {
                let receipt = try await gateway.publish(number, to: "s")
                #expect(receipt.lastID.sequence == UInt64(number))
                #expect(receipt.connections == receipt.sent + receipt.queued + receipt.dropped)
                #expect((2...14).contains(receipt.connections))
            }
            await gone
            let left = try await eventually { try await gateway.manager.connectionCount("s") == 2 }
            #expect(left)
            #expect(try await gateway.publish(201, to: "s").sent == 2)
            for client in staying { #expect(await offPool { client.sequences(201) } == (1...201).map { $0 }) }
            #expect(await gateway.manager.sessions().map(\.connections) == [2])
        }
    }

    @Test(arguments: [1, 2])
    func `a session nobody used is forgotten with its last client, one with events is not`(workers: Int) async throws {
        try await TestGateway.run(workers: workers) { gateway in
            let one = try await gateway.join("unused")
            let other = try await gateway.join("used")
            try await gateway.publish(1, to: "used")
            #expect(await gateway.manager.sessions().map(\.id.description) == ["unused", "used"])
            one.close()
            other.close()
            let forgotten = await eventually { await gateway.manager.sessions().map(\.id.description) == ["used"] }
            #expect(forgotten)
        }
    }
}

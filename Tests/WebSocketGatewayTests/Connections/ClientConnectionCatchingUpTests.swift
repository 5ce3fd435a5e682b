import Sessions
import Testing

@testable import WebSocketGateway

@Suite("Clients that are behind")
struct ClientConnectionCatchingUpTests {
    private func big(_ bytes: Int) -> Event { Event(type: .candle, data: ["p": .string(String(repeating: "x", count: bytes))]) }

    private func heartbeat(_ client: SocketClient) async -> SocketClient.Message? {
        client.send(#"{"action":"ping"}"#)
        return await offPool {
            while let message = client.next() { if message.type == "heartbeat" { return message } }
            return nil
        }
    }

    // MARK: Coming back

    @Test(arguments: [1, 3]) func `who comes back gets every later event once and then what is published`(workers: Int) async throws {
        try await TestGateway.run(workers: workers) { gateway in
            let first = try await gateway.join("s")
            for n in 1...3 { try await gateway.publish(n, to: "s") }
            let seen = try #require(await offPool { first.events(3) }.last?.id)
            first.close()
            // Nobody listens: the session keeps its events.
            for n in 4...10 { try await gateway.publish(n, to: "s") }
            for _ in 0..<4 {
                let client = try await gateway.join("s", query: "?last_event_id=\(seen)&join=live")
                let resume = try #require(client.connected?.data["resume"])
                #expect(resume["recovered"]?.boolValue == true && resume["from"]?.stringValue == seen)
                #expect(resume["oldest_id"]?.stringValue?.hasSuffix("-1") == true)
                #expect(await offPool { client.sequences(7) } == Array(4...10))
                #expect(await heartbeat(client)?.data["delivered"]?.intValue == 7)
                client.close()
            }
            let client = try await gateway.join("s", query: "?last_event_id=\(seen)")
            try await gateway.publish(11, to: "s")
            #expect(await offPool { client.sequences(8) } == Array(4...11))
            let beat = try #require(await heartbeat(client))
            #expect(beat.data["delivered"]?.intValue == 8 && beat.data["last_id"]?.stringValue?.hasSuffix("-11") == true)
        }
    }

    @Test(arguments: [("live", []), ("all", [1, 2, 3, 4, 5]), ("2", [4, 5]), ("0", []), ("99", [1, 2, 3, 4, 5])] as [(String, [Int])])
    func `who comes late begins where it asked to`(join: String, earlier: [Int]) async throws {
        try await TestGateway.run { gateway in
            for n in 1...5 { try await gateway.publish(n, to: "s") }
            let client = try await gateway.join("s", query: "?join=\(join)")
            #expect(client.connected?.data["resume"] == .null)
            try await gateway.publish(6, to: "s")
            #expect(await offPool { client.sequences(earlier.count + 1) } == earlier + [6])
        }
    }

    @Test func `the session's own join is for who says nothing`() async throws {
        try await TestGateway.run { gateway in
            let engine = try await gateway.engine()
            #expect(await offPool { engine.call("PUT", "/v1/sessions/s", #"{"join":2}"#) }?.status == 201)
            for n in 1...5 { try await gateway.publish(n, to: "s") }
            let (late, live) = (try await gateway.join("s"), try await gateway.join("s", query: "?join=live"))
            try await gateway.publish(6, to: "s")
            #expect(await offPool { late.sequences(3) } == [4, 5, 6])
            #expect(await offPool { live.sequences(1) } == [6])
            engine.close()
        }
    }

    @Test func `a filter holds for what is kept as for what comes, and delivered counts both`() async throws {
        try await TestGateway.run(workers: 2) { gateway in
            for n in 1...20 {
                let type: EventType = n % 4 == 0 ? .aiDecision : .candle
                _ = try await gateway.manager.broadcastToSession("s", Event(type: type, data: ["n": .int(Int64(n))]))
            }
            let client = try await gateway.join("s", query: "?join=all&types=ai_decision")
            _ = try await gateway.manager.broadcastToSession("s", Event(type: .aiDecision, data: [:]))
            #expect(await offPool { client.sequences(6) } == [4, 8, 12, 16, 20, 21])
            #expect(await heartbeat(client)?.data["delivered"]?.intValue == 6)
        }
    }

    @Test func `a loss is announced, and what is kept follows`() async throws {
        try await TestGateway.run(workers: 2, { $0.historyEventsMax = 5 }) { gateway in
            let first = try await gateway.join("s")
            try await gateway.publish(1, to: "s")
            let seen = try #require(await offPool { first.nextEvent() }?.id)
            for n in 2...20 { try await gateway.publish(n, to: "s") }
            for from in [seen, "\(seen.dropLast(1))99", "0000000000000-7"] {
                let client = try await gateway.join("s", query: "?last_event_id=\(from)")
                let resume = try #require(client.connected?.data["resume"])
                #expect(resume["recovered"]?.boolValue == false)
                #expect(resume["oldest_id"]?.stringValue?.hasSuffix("-16") == true)
                #expect(await offPool { client.sequences(5) } == Array(16...20))
            }
            #expect(gateway.manager.metrics.contains("wsg_resumes_total{outcome=\"lost\"} 3\n"))
            #expect(gateway.manager.metrics.contains("wsg_history_events 5\n"))
            #expect(gateway.manager.metrics.contains("wsg_history_dropped_total{reason=\"session_limit\"} 15\n"))
        }
    }

    /// Megabytes of history in pages, to several at once, while an engine publishes.
    @Test(arguments: [1, 2]) func `what is published while a client catches up comes behind it, once and in order`(workers: Int)
        async throws
    {
        try await TestGateway.run(workers: workers) { gateway in
            let event = big(5000)
            for _ in 1...600 { _ = try await gateway.manager.broadcastToSession("s", event) }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<6 {
                    group.addTask {
                        let client = try await gateway.join("s", query: "?join=all", receiveBufferBytes: 16_384)
                        let sequences = await offPool { client.sequences(1000) }
                        #expect(sequences == Array(1...1000), "\(String(describing: client.end)) after \(sequences.count)")
                        #expect(await heartbeat(client)?.data["delivered"]?.intValue == 1000)
                        client.close()
                    }
                }
                group.addTask { for _ in 601...1000 { _ = try await gateway.manager.broadcastToSession("s", event) } }
                try await group.waitForAll()
            }
            let isNobodyBehind = await eventually { gateway.manager.metrics.contains("wsg_connections_behind 0\n") }
            #expect(isNobodyBehind)
        }
    }

    // MARK: Falling behind

    @Test(arguments: [1, 2]) func `a slow client falls behind, catches up, and is live again without a gap`(workers: Int) async throws {
        let change: (inout GatewaySettings) -> Void = {
            $0.sendBufferBytes = 4096
            $0.writeQueueBytesMax = 50_000
        }
        try await TestGateway.run(workers: workers, change) { gateway in
            let slow = try await gateway.join("s", receiveBufferBytes: 4096)
            let (wanting, fast) = (
                try await gateway.join("s", query: "?types=candle", receiveBufferBytes: 4096), try await gateway.join("s")
            )
            for n in 1...200 {
                let receipt = try await gateway.manager.broadcastToSession("s", big(10_000))
                #expect(receipt.connections == 3 && receipt.sent + receipt.queued == 3 && receipt.dropped == 0, "event \(n)")
                #expect(await offPool { fast.nextEvent() }?.sequence == n)
            }
            #expect(gateway.manager.metrics.contains("wsg_connections_behind 2\n"))
            let id = try #require(ConnectionID(slow.id))
            let metadata = try #require(await gateway.manager.connectionMetadata(id))
            #expect(metadata.queuedBytes <= 50_000 && metadata.lag > 100, "\(metadata)")
            for client in [slow, wanting] {
                #expect(await offPool { client.sequences(200) } == Array(1...200))
                #expect(await heartbeat(client)?.data["delivered"]?.intValue == 200)
            }
            let isNobodyBehind = await eventually { gateway.manager.metrics.contains("wsg_connections_behind 0\n") }
            #expect(isNobodyBehind)
            let isTaken = try await eventually { try await gateway.publish(0, to: "s").sent == 3 }
            #expect(isTaken)
            for client in [slow, wanting] { #expect(await offPool { client.nextEvent() }?.sequence == 201) }
        }
    }

    @Test func `an event larger than the whole queue is finished, and the next comes from the history`() async throws {
        let change: (inout GatewaySettings) -> Void = {
            $0.sendBufferBytes = 4096
            $0.writeQueueBytesMax = 4096
        }
        try await TestGateway.run(workers: 1, change) { gateway in
            let slow = try await gateway.join("s", receiveBufferBytes: 4096)
            for _ in 1...3 {
                let receipt = try await gateway.manager.broadcastToSession("s", big(400_000))
                #expect(receipt.connections == 1 && receipt.queued == 1)
            }
            #expect(await offPool { slow.sequences(3) } == [1, 2, 3])
        }
    }

    @Test func `who falls off the history's end is told which ids are gone`() async throws {
        let change: (inout GatewaySettings) -> Void = {
            $0.sendBufferBytes = 4096
            $0.writeQueueBytesMax = 50_000
            $0.historyEventsMax = 10
        }
        try await TestGateway.run(workers: 2, change) { gateway in
            let slow = try await gateway.join("s", receiveBufferBytes: 4096)
            for _ in 1...100 { _ = try await gateway.manager.broadcastToSession("s", big(10_000)) }
            let got = await offPool {
                var got: [SocketClient.Message] = []
                while got.last?.sequence != 100, let message = slow.nextEvent() { got.append(message) }
                return got
            }
            var next = 1
            for message in got {
                guard message.type == "lost" else {
                    #expect(message.sequence == next)
                    next += 1
                    continue
                }
                let range = ["first_id", "last_id"].compactMap { message.data[$0]?.stringValue?.split(separator: "-").last }.compactMap {
                    Int($0)
                }
                try #require(range.count == 2)
                #expect(range[0] == next)
                next = range[1] + 1
            }
            #expect(next == 101 && got.contains { $0.type == "lost" })
        }
    }

    // MARK: What is kept

    @Test func `an engine reads the history by pages, as clients got it`() async throws {
        try await TestGateway.run(workers: 2) { gateway in
            let engine = try await gateway.engine()
            func read(_ query: String) async throws -> (status: UInt16, json: JSON) {
                let answer = try #require(await offPool { engine.call("GET", "/v1/sessions/s/events\(query)") })
                return (answer.status, try JSON.parse(answer.body.span))
            }
            #expect(try await read("").status == 404)
            let client = try await gateway.join("s")
            #expect(try await read("").json == ["events": [], "last_id": .null, "oldest_id": .null, "recovered": .null, "next": .null])
            for n in 1...25 { try await gateway.publish(n, to: "s") }
            let seen = await offPool { client.events(25) }
            var (read1, query) = ([JSON](), "?limit=10")
            var pages = 0
            while pages < 9 {
                let page = try await read(query).json
                pages += 1
                #expect(page["last_id"]?.stringValue == seen[24].id && page["oldest_id"]?.stringValue == seen[0].id)
                read1 += page["events"]?.arrayValue ?? []
                guard let next = page["next"]?.stringValue else { break }
                query = "?limit=10&after=\(next)"
            }
            #expect(pages == 3)
            #expect(read1 == seen.map(\.json))
            #expect(try await read("?after=\(seen[24].id!)").json["events"] == [])
            #expect(try await read("?after=0000000000000-1").json["recovered"] == false)
            for bad in ["?after=x", "?limit=0", "?limit=10001", "?before=1"] { #expect(try await read(bad).status == 400, "\(bad)") }
            engine.close()
        }
    }

    @Test func `the session idle for longest makes room for all`() async throws {
        try await TestGateway.run(workers: 1, { $0.memoryBudgetBytes = 1 << 20 }) { gateway in
            let engine = try await gateway.engine()
            func kept(_ session: String) async throws -> Int {
                let answer = try #require(await offPool { engine.call("GET", "/v1/sessions/\(session)/events") })
                return try JSON.parse(answer.body.span)["events"]?.arrayValue?.count ?? -1
            }
            for session in ["old", "new"] { for _ in 1...4 { _ = try await gateway.manager.broadcastToSession(session, big(106_000)) } }
            #expect(try await kept("old") == 4)
            for _ in 1...3 { _ = try await gateway.manager.broadcastToSession("new", big(106_000)) }
            #expect(try await kept("new") == 7)
            #expect(try await kept("old") == 2)
            for _ in 1...9 { _ = try await gateway.manager.broadcastToSession("new", big(106_000)) }
            #expect(try await kept("old") == 0)
            #expect(try await kept("new") == 9)
            engine.close()
        }
    }

    @Test func `a session that is ended sends what waits, and tells who is behind what it will not get`() async throws {
        let change: (inout GatewaySettings) -> Void = {
            $0.sendBufferBytes = 4096
            $0.writeQueueBytesMax = 50_000
        }
        try await TestGateway.run(workers: 2, change) { gateway in
            let slow = try await gateway.join("s", receiveBufferBytes: 4096)
            for _ in 1...40 { _ = try await gateway.manager.broadcastToSession("s", big(10_000)) }
            let engine = try await gateway.engine()
            #expect(await offPool { engine.call("DELETE", "/v1/sessions/s") }?.status == 204)
            let got = await offPool { slow.rest() }
            let sequences = got.compactMap(\.sequence)
            #expect(sequences == Array(1...sequences.count) && sequences.count < 40)
            #expect(got.last?.type == "lost")
            #expect(got.last?.data["first_id"]?.stringValue?.hasSuffix("-\(sequences.count + 1)") == true)
            #expect(got.last?.data["last_id"]?.stringValue?.hasSuffix("-40") == true)
            #expect(slow.end == .closed(1000, "session ended"))
            engine.close()
        }
    }

    @Test func `what is said to one client alone finds room beside a full queue, whatever its size`() async throws {
        let change: (inout GatewaySettings) -> Void = {
            $0.sendBufferBytes = 4096
            $0.writeQueueBytesMax = 4096
        }
        try await TestGateway.run(workers: 1, change) { gateway in
            let client = try await gateway.join("s", receiveBufferBytes: 4096)
            let id = try #require(ConnectionID(client.id))
            // Nothing waits, then an event larger than the queue does, then this one.
            for _ in 1...2 {
                let isSent = try await gateway.manager.sendToConnection(id, big(200_000))
                #expect(isSent)
            }
            for _ in 1...30 { _ = try await gateway.manager.broadcastToSession("s", big(10_000)) }
            #expect(await heartbeat(client) != nil)
            #expect(gateway.manager.metrics.contains("wsg_slow_closes_total{reason=\"queue_full\"} 0\n"))
            #expect(await offPool { client.sequences(30) } == Array(1...30))
        }
    }

    @Test func `a session that is ended leaves nothing`() async throws {
        try await TestGateway.run(workers: 2) { gateway in
            for n in 1...5 { try await gateway.publish(n, to: "s") }
            let client = try await gateway.join("s", query: "?join=all")
            let engine = try await gateway.engine()
            #expect(await offPool { engine.call("DELETE", "/v1/sessions/s") }?.status == 204)
            #expect(await offPool { client.rest() }.map(\.sequence) == Array(1...5))
            #expect(client.end == .closed(1000, "session ended"))
            #expect(gateway.manager.metrics.contains("wsg_history_events 0\n") && gateway.manager.metrics.contains("wsg_history_bytes 0\n"))
            engine.close()
        }
    }
}

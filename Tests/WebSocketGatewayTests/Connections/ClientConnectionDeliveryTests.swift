import Sessions
import Testing

@testable import WebSocketGateway

@Suite("Clients that lag")
struct ClientConnectionDeliveryTests {
    private static let big = String(repeating: "x", count: 400_000)

    /// Sockets that hold little, so that a big event keeps what follows it waiting.
    private func run(_ workers: Int, queueBytes: Int = 1 << 20, history: Int = 1000, _ body: (TestGateway) async throws -> Void)
        async throws
    {
        try await TestGateway.run(
            workers: workers,
            {
                $0.sendBufferBytes = 4096
                $0.writeQueueBytesMax = queueBytes
                $0.historyEventsMax = history
            }, body)
    }

    private func event(_ type: String, _ data: String = "{}", key: String? = nil) -> String {
        #"{"type":"\#(type)","data":\#(data)\#(key.map { #","key":"\#($0)""# } ?? "")}"#
    }

    /// One request is one turn of the home's loop: no time passes within it.
    private func publish(_ events: [String], _ gateway: TestGateway) async throws -> JSON {
        let engine = try await gateway.engine()
        let answer = try #require(await offPool { engine.call("POST", "/v1/sessions/s/events", "[\(events.joined(separator: ","))]") })
        engine.close()
        return try JSON.parse(answer.body.span)
    }

    private func counts(_ receipt: JSON) -> [Int64?] {
        ["connections", "sent", "queued", "conflated", "dropped"].map { receipt[$0]?.intValue }
    }

    /// What came, in short: `3` is an event, `[4…6, 8…8]` what was left out.
    private func told(_ messages: [SocketClient.Message]) -> [String] {
        messages.map { message in
            if let sequence = message.sequence { return "\(sequence)" }
            let ranges = (message.data["ranges"]?.arrayValue ?? []).map { range in
                (range.arrayValue ?? []).map { $0.stringValue?.split(separator: "-").last.map(String.init) ?? "?" }.joined(separator: "…")
            }
            return message.type == "conflated" ? "[\(ranges.joined(separator: ", "))]" : message.type
        }
    }

    private func metric(_ gateway: TestGateway, _ type: String) -> String? {
        let name = "wsg_deliveries_conflated_total{type=\"\(type)\"} "
        return gateway.manager.metrics.split(separator: "\n").first { $0.hasPrefix(name) }.map { String($0.dropFirst(name.count)) }
    }

    @Test(arguments: [1, 2]) func `of a batch's latest events the newest waits, and the receipt says what became of the others`(
        workers: Int
    )
        async throws
    {
        try await run(workers) { gateway in
            let slow = try await gateway.join("s", receiveBufferBytes: 4096)
            let receipt = try await publish(
                [event("candle", #"{"p":"\#(Self.big)"}"#)] + (1...10).map { event("stats_update", #"{"n":\#($0)}"#) }, gateway)
            #expect(counts(receipt) == [11, 0, 2, 9, 0])
            #expect(metric(gateway, "stats_update") == "9")
            let messages = await offPool { slow.events(3) }
            #expect(told(messages) == ["1", "[2…10]", "11"])
            #expect(messages[1].data["types"] == ["stats_update"] && messages[1].id == nil)
            #expect(messages[2].data["n"] == 10)
            slow.send(#"{"action":"ping"}"#)
            let beat = await offPool { slow.next() }
            #expect(beat?.data["delivered"] == 2 && beat?.data["last_id"]?.stringValue?.hasSuffix("-11") == true)
        }
    }

    @Test func `types and keys are left out each by itself, and who takes everything gets everything`() async throws {
        try await run(2) { gateway in
            let (slow, wanting) = (
                try await gateway.join("s", receiveBufferBytes: 4096),
                try await gateway.join("s", query: "?types=candle,price_update", receiveBufferBytes: 4096)
            )
            let receipt = try await publish(
                [
                    event("candle", #"{"p":"\#(Self.big)"}"#), event("price_update", key: "a"), event("ai_decision"),
                    event("price_update", key: "b"), event("price_update", key: "a"), event("position_updated"), event("position_updated"),
                    event("price_update"), event("ai_decision"), event("price_update", key: "a"),
                ], gateway)
            #expect(counts(receipt) == [16, 0, 12, 4, 0])
            #expect(told(await offPool { slow.events(10) }) == ["1", "[2…2]", "3", "4", "[5…5]", "6", "7", "8", "9", "10"])
            #expect(told(await offPool { wanting.events(6) }) == ["1", "[2…2]", "4", "[5…5]", "8", "10"])
            for client in [slow, wanting] {
                client.send(#"{"action":"ping"}"#)
                #expect(await offPool { client.next() }?.data["delivered"]?.intValue == (client === slow ? 8 : 4))
            }
            // Nothing waits any more.
            #expect(counts(try await publish([event("price_update"), event("price_update")], gateway)) == [4, 4, 0, 0, 0])
        }
    }

    @Test func `what waits from an earlier publish was queued, and leaves all the same`() async throws {
        try await run(1) { gateway in
            let slow = try await gateway.join("s", receiveBufferBytes: 4096)
            _ = try await publish([event("candle", #"{"p":"\#(Self.big)"}"#)], gateway)
            for _ in 1...3 { #expect(counts(try await publish([event("countdown_update")], gateway)) == [1, 0, 1, 0, 0]) }
            // Seldom is a machine so slow that a second passes between two of them: then fewer leave.
            let messages = await offPool {
                var messages: [SocketClient.Message] = []
                while messages.last?.sequence != 4, let message = slow.nextEvent() { messages.append(message) }
                return messages
            }
            let leftOut = messages.filter { $0.type == "conflated" }
            #expect(leftOut.isEmpty == (metric(gateway, "countdown_update") == "0"))
        }
    }

    @Test func `a heartbeat keeps what it has counted`() async throws {
        try await run(1) { gateway in
            let slow = try await gateway.join("s", receiveBufferBytes: 4096)
            _ = try await publish([event("candle", #"{"p":"\#(Self.big)"}"#), event("stats_update")], gateway)
            slow.send(#"{"action":"ping"}"#)
            let isAnswered = await eventually { gateway.manager.metrics.contains("wsg_heartbeats_total 1\n") }
            #expect(isAnswered)
            _ = try await publish([event("stats_update"), event("stats_update")], gateway)
            let messages = await offPool { () -> [SocketClient.Message] in (0..<5).compactMap { _ in slow.next() } }
            #expect(told(messages) == ["1", "2", "heartbeat", "[3…3]", "4"])
            #expect(messages[2].data["delivered"] == 2)
        }
    }

    @Test func `a full queue that a newer event makes room in is not full`() async throws {
        try await run(1, queueBytes: 500_000, history: 0) { gateway in
            let slow = try await gateway.join("s", receiveBufferBytes: 4096)
            let event = event("stats_update", #"{"p":"\#(String(repeating: "y", count: 60_000))"}"#)
            let receipt = try await publish(
                [self.event("candle", #"{"p":"\#(Self.big)"}"#)] + Array(repeating: event, count: 8), gateway)
            // Each is a batch of its own: when the next one came, it was queued.
            #expect(counts(receipt) == [9, 0, 9, 0, 0])
            #expect(metric(gateway, "stats_update") == "7")
            #expect(told(await offPool { slow.events(3) }) == ["1", "[2…8]", "9"])
        }
    }

    // MARK: Behind

    @Test(arguments: [1, 2]) func `who has fallen behind is spared what a page supersedes, who comes late is not`(workers: Int) async throws
    {
        try await run(workers, queueBytes: 50_000) { gateway in
            let slow = try await gateway.join("s", receiveBufferBytes: 4096)
            for n in 1...60 {
                _ = try await publish([event("ai_thinking", #"{"p":"\#(String(repeating: "x", count: 10_000))"}"#)], gateway)
                let receipt = try await publish([event("price_update", #"{"n":\#(n)}"#, key: "a")], gateway)
                #expect(counts(receipt)[0] == 1 && counts(receipt)[4] == 0)
            }
            let late = try await gateway.join("s", query: "?join=all", receiveBufferBytes: 4096)
            let (all, some) = await offPool { () -> ([SocketClient.Message], [SocketClient.Message]) in
                var some: [SocketClient.Message] = []
                while some.last?.sequence != 120, let message = slow.nextEvent() { some.append(message) }
                return (late.events(120), some)
            }
            #expect(all.map(\.sequence) == Array(1...120))
            let prices = some.filter { $0.type == "price_update" }
            #expect(some.count { $0.type == "ai_thinking" } == 60 && prices.count < 60 && prices.last?.data["n"] == 60)
            // By ids alone: each is there, or was left out.
            var next = 1
            for message in some {
                if let sequence = message.sequence {
                    #expect(sequence == next)
                    next = sequence + 1
                }
                for range in message.data["ranges"]?.arrayValue ?? [] {
                    let ids = (range.arrayValue ?? []).compactMap { $0.stringValue?.split(separator: "-").last }.compactMap { Int($0) }
                    #expect(ids.first == next)
                    next = (ids.last ?? 0) + 1
                }
            }
            #expect(next == 121)
            slow.send(#"{"action":"ping"}"#)
            #expect(await offPool { slow.next() }?.data["delivered"]?.intValue == Int64(60 + prices.count))
            #expect(metric(gateway, "price_update") == "\(60 - prices.count)")
        }
    }

    @Test func `a session's own policies hold from the next event on`() async throws {
        try await run(1) { gateway in
            let engine = try await gateway.engine()
            let slow = try await gateway.join("s", receiveBufferBytes: 4096)
            _ = try await publish([event("candle", #"{"p":"\#(Self.big)"}"#), event("tick"), event("stats_update")], gateway)
            let body = #"{"policies":{"tick":"latest","stats_update":"deliver"}}"#
            let answer = try #require(await offPool { engine.call("PUT", "/v1/sessions/s", body) })
            #expect(try JSON.parse(answer.body.span)["policies"] == ["stats_update": "deliver", "tick": "latest"])
            _ = try await publish([event("tick"), event("stats_update"), event("tick"), event("stats_update")], gateway)
            #expect(told(await offPool { slow.events(7) }) == ["1", "2", "3", "[4…4]", "5", "6", "7"])
            #expect(await offPool { engine.call("PUT", "/v1/sessions/s", #"{"policies":null}"#) }?.status == 200)
            #expect(counts(try await publish([event("tick")], gateway)) == [1, 1, 0, 0, 0])
            engine.close()
        }
    }
}

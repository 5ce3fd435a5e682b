import EventLoop
import Sessions
import Testing

@testable import WebSocketGateway

@Suite("Clients that replay a recorded session")
struct ClientConnectionReplayingTests {
    private static let epoch = Timestamp(microsecondsSince1970: 1_773_570_600_000_000)

    private func time(_ milliseconds: Int) -> String {
        Timestamp(microsecondsSince1970: Self.epoch.microsecondsSince1970 + Int64(milliseconds) * 1000).iso8601
    }

    /// Publishes one event at each of these times, in milliseconds, and returns their ids.
    @discardableResult
    private func record(_ times: [Int?], in gateway: TestGateway, completes: Bool = false, text: String = "") async throws -> [String] {
        var ids: [String] = []
        for (n, at) in times.enumerated() {
            let isLast = completes && n == times.count - 1
            let receipt = try await gateway.manager.broadcastToSession(
                "s",
                Event(
                    type: isLast ? .sessionCompleted : n % 2 == 0 ? .candle : .aiDecision, data: ["n": .int(Int64(n)), "p": .string(text)],
                    timestamp: at.map(time) ?? "soon"))
            ids.append(receipt.lastID.description)
        }
        return ids
    }

    private func heartbeat(_ client: SocketClient) async -> SocketClient.Message? {
        client.send(#"{"action":"ping"}"#)
        return await offPool {
            while let message = client.next() { if message.type == "heartbeat" { return message } }
            return nil
        }
    }

    /// The answer to a command; events that come before it are counted.
    private func ask(_ client: SocketClient, _ command: String) async -> SocketClient.Message? {
        client.send(command)
        return await offPool {
            while let message = client.nextEvent() { if message.id == nil { return message } }
            return nil
        }
    }

    private func code(_ message: SocketClient.Message?) -> String? { message?.data["error_code"]?.stringValue }

    // MARK: Playing

    @Test(arguments: [1, 3], ["1x", "10x", "max"])
    func `events come once, in order, as recorded and not before their time`(workers: Int, speed: String) async throws {
        try await TestGateway.run(workers: workers) { gateway in
            let live = try await gateway.join("s")
            try await record([0, 100, 100, 250, nil, 400], in: gateway, completes: true)
            let before = Clocks.monotonicNanoseconds
            let client = try await gateway.join("s", query: "?replay=\(speed)")
            let (replayed, lived) = await offPool { (client.events(6), live.events(6)) }
            let elapsed = (Clocks.monotonicNanoseconds - before) / 1_000_000
            #expect(replayed.map(\.json) == lived.map(\.json) && replayed.map(\.sequence) == Array(1...6))
            // A tick of the loop's clock may be missing at each end.
            #expect(elapsed + 5 >= (["1x": 400, "10x": 40] as [String: UInt64])[speed] ?? 0)
            #expect(await offPool { client.rest() }.isEmpty)
            #expect(client.end == .closed(1000, "replay ended"))
            live.close()
        }
    }

    @Test(arguments: ["0.4x", "101x", "1", "fast", "", "-1x", "1x,2x"]) func `a speed that is none is refused`(speed: String) async throws {
        try await TestGateway.run { gateway in
            let port = gateway.port
            let answer = await offPool { () -> HTTPClient.Answer? in
                guard let http = HTTPClient(port: port) else { return nil }
                return http.call("GET", "/sse/backtest/s?replay=\(speed)")
            }
            #expect(answer?.status == 400)
            #expect(answer?.errorCode == "INVALID_QUERY")
            #expect(answer?.json["error"]?["message"]?.stringValue == "replay is 0.5x to 100x, with up to three decimals, or max")
        }
    }

    @Test(
        arguments: [
            ("&join=2", [4, 5]), ("&join=all", [1, 2, 3, 4, 5]), ("&types=ai_decision", [2, 4]), ("&join=live", []),
            ("&types=ai_decision&join=3", [4]),
        ] as [(String, [Int])])
    func `a replay begins where it is asked to, with the types it wants`(query: String, sequences: [Int]) async throws {
        try await TestGateway.run { gateway in
            try await record([0, 1, 2, 3, 4], in: gateway)
            let client = try await gateway.join("s", query: "?replay=max\(query)")
            #expect(await offPool { client.sequences(sequences.count) } == sequences)
            let beat = try #require(await eventually(client, "-5"))
            #expect(beat.data["delivered"]?.intValue == Int64(sequences.count))
        }
    }

    /// Heartbeats until one has this `last_id`: what a filter passes over is behind the viewer in its own time.
    private func eventually(_ client: SocketClient, _ suffix: String) async throws -> SocketClient.Message? {
        for _ in 0..<1000 {
            let beat = await heartbeat(client)
            if beat == nil || beat?.data["last_id"]?.stringValue?.hasSuffix(suffix) == true { return beat }
        }
        return nil
    }

    @Test(arguments: [1, 2]) func `at the head it waits for what comes, and ends when the session has`(workers: Int) async throws {
        try await TestGateway.run(workers: workers) { gateway in
            let early = try await gateway.join("s", query: "?replay=max")
            #expect(early.connected?.data["last_id"] == .null)
            let ids = try await record([0, 1], in: gateway)
            #expect(await offPool { early.sequences(2) } == [1, 2])
            try await record([2, 3], in: gateway)
            #expect(await offPool { early.sequences(2) } == [3, 4])
            // It is none of the live ones: no receipt counts it, and no engine waits for it.
            let receipt = try await gateway.publish(5, to: "s")
            #expect(receipt.connections == 0 && receipt.queued == 0)
            #expect(gateway.manager.metrics.contains("wsg_connections_replaying 1\n"))
            #expect(gateway.manager.metrics.contains("wsg_connections_behind 0\n"))
            try await record([5], in: gateway, completes: true)
            #expect(await offPool { early.rest().map(\.sequence) } == [5, 6])
            #expect(early.end == .closed(1000, "replay ended"))
            #expect(gateway.manager.metrics.contains("wsg_connections_replaying 0\n"))
            // Who was cut just before the end is told it, too.
            let late = try await gateway.join("s", query: "?replay=1x&last_event_id=\(ids[0].dropLast())6")
            #expect(await offPool { late.rest() }.isEmpty)
            #expect(late.end == .closed(1000, "replay ended"))
        }
    }

    @Test func `a resume goes on behind the id, after as long as there was between the two`() async throws {
        try await TestGateway.run { gateway in
            let ids = try await record([0, 3_600_000, 3_600_300], in: gateway, completes: true)
            let before = Clocks.monotonicNanoseconds
            let client = try await gateway.join("s", query: "?replay=1x&last_event_id=\(ids[1])")
            #expect(client.connected?.data["resume"]?["recovered"]?.boolValue == true)
            #expect(await offPool { client.rest().map(\.sequence) } == [3])
            #expect((Clocks.monotonicNanoseconds - before) / 1_000_000 + 5 >= 300)
            #expect(client.end == .closed(1000, "replay ended"))
        }
    }

    @Test func `an engine that asks for it does not wait for who replays`() async throws {
        try await TestGateway.run { gateway in
            let engine = try await gateway.engine()
            let client = try await gateway.join("s", query: "?replay=0.5x")
            try await record([0, 60_000], in: gateway)
            // The answer would be held for as long as this client's patience.
            let receipt = await offPool {
                engine.call("POST", "/v1/sessions/s/events?wait=30000", #"{"type":"candle","data":{},"timestamp":"x"}"#)
            }
            #expect(receipt?.status == 200)
            #expect(await offPool { client.sequences(1) } == [1])
            engine.close()
        }
    }

    @Test func `what the history has lost is announced in its place`() async throws {
        try await TestGateway.run({ $0.historyEventsMax = 3 }) { gateway in
            let ids = try await record([0, 1, 2], in: gateway)
            let client = try await gateway.join("s", query: "?replay=max")
            _ = await ask(client, #"{"action":"pause"}"#)
            try await record([3, 4, 5], in: gateway)
            let ack = await ask(client, #"{"action":"seek","id":"\#(ids[1])"}"#)
            #expect(ack?.type == "command_ack" && ack?.data["from"]?.stringValue == ids[1] && ack?.data["state"]?.stringValue == "paused")
            client.send(#"{"action":"resume"}"#)
            let messages = await offPool { client.events(5) }
            #expect(Set(messages.prefix(2).map(\.type)) == ["lost", "command_ack"])
            let lost = messages.first { $0.type == "lost" }
            #expect(lost?.data["first_id"]?.stringValue == ids[1] && lost?.data["last_id"]?.stringValue == ids[2])
            #expect(messages.compactMap(\.sequence) == [4, 5, 6])
        }
    }

    @Test func `who reads slowly gets everything, and pays with time alone`() async throws {
        try await TestGateway.run({
            $0.writeQueueBytesMax = 65_536
            $0.historyBytesMax = 64 << 20
        }) { gateway in
            let text = String(repeating: "x", count: 40_000)
            try await record(Array(repeating: 0, count: 300), in: gateway, completes: true, text: text)
            let client = try await gateway.join("s", query: "?replay=max", receiveBufferBytes: 16_384)
            let isWaiting = await WebSocketGatewayTests.eventually { gateway.manager.metrics.contains("wsg_queued_bytes 0\n") == false }
            #expect(isWaiting)
            #expect(await offPool { client.rest().map(\.sequence) } == Array(1...300))
            #expect(client.end == .closed(1000, "replay ended"))
        }
    }

    @Test func `the session's end ends it, and says what will not come`() async throws {
        try await TestGateway.run { gateway in
            try await record([0], in: gateway)
            let client = try await gateway.join("s", query: "?replay=0.5x")
            #expect(await offPool { client.sequences(1) } == [1])
            _ = await ask(client, #"{"action":"pause"}"#)
            let ids = try await record([60_000, 60_001], in: gateway)
            _ = try await gateway.manager.endSession("s")
            let rest = await offPool { client.rest() }
            #expect(rest.map(\.type) == ["lost"])
            #expect(rest.first?.data["first_id"]?.stringValue == ids[0] && rest.first?.data["last_id"]?.stringValue == ids[1])
            #expect(client.end == .closed(1000, "session ended"))
        }
    }

    // MARK: Commands

    @Test func `paused, nothing comes but what is asked for`() async throws {
        try await TestGateway.run { gateway in
            try await record([0], in: gateway)
            let client = try await gateway.join("s", query: "?replay=1x")
            #expect(await offPool { client.sequences(1) } == [1])
            let ack = await ask(client, #"{"action":"PAUSE","ref":"a"}"#)
            try await record([3_600_000, 3_600_001], in: gateway)
            #expect(ack?.json["data"] == ["action": "pause", "ref": "a", "state": "paused", "speed": "1x"])
            #expect(await ask(client, #"{"action":"speed","speed":"100x"}"#)?.data["speed"]?.stringValue == "100x")
            let beat = await heartbeat(client)
            #expect(beat?.data["delivered"]?.intValue == 1 && beat?.data["last_id"]?.stringValue?.hasSuffix("-1") == true)
            #expect(await ask(client, #"{"action":"resume"}"#)?.data["state"]?.stringValue == "playing")
            #expect(await offPool { client.sequences(2) } == [2, 3])
        }
    }

    @Test func `seek goes anywhere, by id and by time`() async throws {
        try await TestGateway.run { gateway in
            let ids = try await record([0, 10, 20, nil, 40, 50], in: gateway)
            let client = try await gateway.join("s", query: "?replay=max")
            #expect(await offPool { client.sequences(6) } == Array(1...6))
            let places: [(name: String, value: String, first: Int)] = [
                ("id", ids[2], 3), ("id", ids[5], 6), ("id", ids[0], 1), ("timestamp", time(20), 3), ("timestamp", time(21), 5),
                ("timestamp", "2000-01-01T00:00:00", 1),
            ]
            for (name, value, first) in places {
                client.send(#"{"action":"seek","\#(name)":"\#(value)","ref":"r"}"#)
                let messages = await offPool { client.events(8 - first) }
                #expect(messages.first?.type == "command_ack" && messages.first?.data["ref"]?.stringValue == "r")
                #expect(messages.first?.data["from"]?.stringValue == ids[first - 1])
                #expect(messages.dropFirst().map(\.sequence) == Array(first...6), "\(name) \(value)")
            }
            #expect(await heartbeat(client)?.data["delivered"]?.intValue == 29)
        }
    }

    @Test func `a seek by time reads page after page`() async throws {
        try await TestGateway.run(workers: 2) { gateway in
            let text = String(repeating: "x", count: 30_000)
            try await record((0..<40).map { $0 * 1000 }, in: gateway, text: text)
            let client = try await gateway.join("s", query: "?replay=1x&join=1")
            #expect(await offPool { client.sequences(1) } == [40])
            #expect(await ask(client, #"{"action":"pause"}"#)?.type == "command_ack")
            let ack = await ask(client, #"{"action":"seek","timestamp":"\#(time(30_500))"}"#)
            #expect(ack?.data["from"]?.stringValue?.hasSuffix("-32") == true)
            _ = await ask(client, #"{"action":"speed","speed":"max"}"#)
            client.send(#"{"action":"resume"}"#)
            #expect(await offPool { client.events(10) }.compactMap(\.sequence) == Array(32...40))
        }
    }

    @Test(
        arguments: [
            (#"{"action":"speed"}"#, "INVALID_COMMAND"), (#"{"action":"speed","speed":10}"#, "INVALID_COMMAND"),
            (#"{"action":"speed","speed":"1000x"}"#, "INVALID_COMMAND"), (#"{"action":"seek"}"#, "INVALID_COMMAND"),
            (#"{"action":"seek","id":"x"}"#, "INVALID_COMMAND"), (#"{"action":"seek","id":7}"#, "INVALID_COMMAND"),
            (#"{"action":"seek","id":"0000000000000-1"}"#, "INVALID_COMMAND"), (#"{"action":"seek","id":"ID99"}"#, "INVALID_COMMAND"),
            (#"{"action":"seek","id":"ID1","timestamp":"2026-03-15T10:30:00Z"}"#, "INVALID_COMMAND"),
            (#"{"action":"seek","timestamp":"tomorrow"}"#, "INVALID_COMMAND"),
            (#"{"action":"seek","timestamp":"9999-01-01T00:00:00Z"}"#, "INVALID_COMMAND"),
            (#"{"action":"rewind"}"#, "UNKNOWN_COMMAND"), (#"{"speed":"1x"}"#, "INVALID_COMMAND"), (#"[]"#, "INVALID_MESSAGE"),
            (#"{"action":"speed","speed":1e999}"#, "INVALID_COMMAND"),
        ])
    func `what cannot be done is said, and changes nothing`(command: String, code: String) async throws {
        try await TestGateway.run { gateway in
            let ids = try await record([0, 1], in: gateway)
            let client = try await gateway.join("s", query: "?replay=max")
            #expect(await offPool { client.sequences(2) } == [1, 2])
            let answer = await ask(client, command.replacing("ID", with: ids[0]))
            #expect(answer?.type == "error" && self.code(answer) == code)
            try await record([2], in: gateway)
            #expect(await offPool { client.sequences(1) } == [3])
        }
    }

    @Test func `before the first event there is nowhere to go`() async throws {
        try await TestGateway.run { gateway in
            let client = try await gateway.join("s", query: "?replay=max")
            #expect(code(await ask(client, #"{"action":"seek","timestamp":"2026-03-15T10:30:00Z"}"#)) == "INVALID_COMMAND")
            #expect(code(await ask(client, #"{"action":"seek","id":"0000000000000-1"}"#)) == "INVALID_COMMAND")
            try await record([0], in: gateway)
            #expect(await offPool { client.sequences(1) } == [1])
        }
    }

    @Test func `every seek is answered, whatever comes while it looks`() async throws {
        try await TestGateway.run(workers: 2) { gateway in
            let ids = try await record((0..<60).map { $0 }, in: gateway, text: String(repeating: "x", count: 30_000))
            let client = try await gateway.join("s", query: "?replay=max&join=1")
            #expect(await offPool { client.sequences(1) } == [60])
            let commands = (0..<60).map { n in
                n % 3 == 2
                    ? #"{"action":"seek","id":"\#(ids[n])","ref":"\#(n)"}"# : #"{"action":"seek","timestamp":"\#(time(n))","ref":"\#(n)"}"#
            }
            for command in commands { client.send(command) }
            let answers = await offPool {
                var refs: [String: String] = [:]
                while refs.count < 60, let message = client.nextEvent() {
                    guard message.id == nil else { continue }
                    let ref = message.data["ref"]?.stringValue ?? message.data["details"]?["ref"]?.stringValue ?? ""
                    refs[ref] = message.data["error_code"]?.stringValue ?? "ok"
                }
                return refs
            }
            #expect(answers.count == 60 && answers["59"] == "ok" && Set(answers.values).isSubset(of: ["ok", "COMMAND_FAILED"]))
            #expect(await offPool { client.sequences(1) } == [60])
        }
    }

    @Test func `stop is answered, and ends it`() async throws {
        try await TestGateway.run { gateway in
            try await record([0, 60_000], in: gateway)
            let client = try await gateway.join("s", query: "?replay=1x")
            #expect(await ask(client, #"{"action":"stop","ref":"bye"}"#)?.data["ref"]?.stringValue == "bye")
            #expect(await offPool { client.rest() }.isEmpty)
            #expect(client.end == .closed(1000, "replay stopped"))
        }
    }

    // MARK: Over Server-Sent Events

    @Test func `an event stream replays as well`() async throws {
        try await TestGateway.run { gateway in
            try await record([0, 100, 200], in: gateway, completes: true)
            let client = try await gateway.stream("s", query: "?replay=2x")
            let messages = await offPool { client.rest() }
            #expect(messages.map(\.type) == ["candle", "ai_decision", "session_completed", "closed"])
            #expect(messages.last?.data["reason"]?.stringValue == "replay ended")
        }
    }
}

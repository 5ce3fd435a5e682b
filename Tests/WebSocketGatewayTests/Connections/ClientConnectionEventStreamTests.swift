import EventLoop
import Sessions
import Testing

@testable import WebSocketGateway

@Suite("One client's event stream")
struct ClientConnectionEventStreamTests {
    private func big(_ bytes: Int) -> Event { Event(type: .candle, data: ["p": .string(String(repeating: "x", count: bytes))]) }

    // MARK: What it gets

    @Test(arguments: [1, 3]) func `it gets what a WebSocket gets, with ids to come back with`(workers: Int) async throws {
        try await TestGateway.run(workers: workers) { gateway in
            let socket = try await gateway.join("s")
            let streams = try await [gateway.stream("s"), gateway.stream("s"), gateway.stream("s")]
            #expect(streams[0].status == "HTTP/1.1 200 OK")
            #expect(streams[0].head.first?.hasPrefix("Date: ") == true)
            #expect(
                streams[0].head.dropFirst() == [
                    "Content-Type: text/event-stream; charset=utf-8", "Cache-Control: no-store", "X-Accel-Buffering: no",
                    "Connection: close", "Vary: Origin",
                ])
            let wait = try #require(streams[0].parser.retry)
            #expect((500...3000).contains(wait))
            #expect(streams[0].connected?.data["resume"] == .null && streams[0].lastID == "")
            for n in 1...20 {
                let receipt = try await gateway.publish(n, to: "s")
                #expect(receipt.connections == 4 && receipt.sent == 4)
            }
            let published = await offPool { socket.events(20) }.map(\.json)
            for stream in streams {
                let got = await offPool { (0..<20).compactMap { _ in stream.next() } }
                #expect(got.map(\.json) == published)
                #expect(stream.lastID == got.last?.id)
                #expect(!String(decoding: stream.parser.text, as: UTF8.self).contains("event:"))
                stream.close()
            }
        }
    }

    @Test func `data of several lines is the same JSON`() async throws {
        try await TestGateway.run(workers: 2) { gateway in
            let (socket, stream) = (try await gateway.join("s"), try await gateway.stream("s"))
            let engine = try await gateway.engine()
            let body = "{\"type\":\"candle\",\"data\":{\r\n\t\"a\" :\r1,\n\n\"b\": \"é 😀 \\n\" }}"
            #expect(await offPool { engine.call("POST", "/v1/sessions/s/events", body) }?.status == 200)
            #expect(await offPool { engine.call("POST", "/v1/connections/\(stream.id)/events", body) }?.status == 200)
            let (plain, lines) = (await offPool { socket.nextEvent() }, await offPool { stream.next() })
            #expect(plain?.json == lines?.json && lines?.data["b"]?.stringValue == "é 😀 \n")
            let seen = stream.lastID
            let direct = await offPool { stream.next() }
            #expect(direct?.id == nil && direct?.data == lines?.data)
            // What belongs to no stream leaves the id as it is.
            #expect(stream.lastID == seen && seen == lines?.id)
            engine.close()
        }
    }

    /// A line break is a byte of the frame, and seven of the text.
    @Test func `a page of the history is no larger as text than the queue it waits in`() async throws {
        let change: (inout GatewaySettings) -> Void = {
            $0.sendBufferBytes = 4096
            $0.writeQueueBytesMax = 4096
        }
        try await TestGateway.run(workers: 1, change) { gateway in
            let engine = try await gateway.engine()
            let body = "{\"type\":\"candle\",\"data\":{\(String(repeating: "\n", count: 300))}}"
            for _ in 1...60 { #expect(await offPool { engine.call("POST", "/v1/sessions/s/events", body) }?.status == 200) }
            let stream = try await gateway.stream("s", query: "?join=all", receiveBufferBytes: 4096)
            let id = try #require(ConnectionID(stream.id))
            let waits = await eventually { await gateway.manager.connectionMetadata(id)?.queuedBytes ?? 0 > 0 }
            #expect(waits)
            #expect(try #require(await gateway.manager.connectionMetadata(id)).queuedBytes <= 4096)
            let got = await offPool { (0..<60).compactMap { _ in stream.next()?.sequence } }
            #expect(got == Array(1...60))
            engine.close()
        }
    }

    @Test func `who begins at the head can come back to it before the first event`() async throws {
        try await TestGateway.run(workers: 2) { gateway in
            for n in 1...3 { try await gateway.publish(n, to: "s") }
            let live = try await gateway.stream("s")
            #expect(live.lastID.hasSuffix("-3") && live.lastID == live.connected?.data["last_id"]?.stringValue)
            live.close()
            // Everything is still to come: there is nothing to come back to yet.
            let late = try await gateway.stream("s", query: "?join=all")
            #expect(late.lastID == "")
            try await gateway.publish(4, to: "s")
            let back = try await gateway.stream("s", headers: [("Last-Event-ID", live.lastID)])
            #expect(await offPool { back.sequences(1) } == [4])
            #expect(await offPool { late.sequences(4) } == [1, 2, 3, 4])
        }
    }

    @Test func `the header says where it comes back to, and wins over the query`() async throws {
        try await TestGateway.run(workers: 2) { gateway in
            for n in 1...9 { try await gateway.publish(n, to: "s") }
            let all = try await gateway.stream("s", query: "?join=all")
            var ids: [String] = []
            for _ in 1...9 {
                _ = await offPool { all.next() }
                ids.append(all.lastID)
            }
            for (query, header, first) in [
                ("?last_event_id=\(ids[1])", nil, 3), ("?last_event_id=\(ids[1])", ids[6], 8), ("?join=all", ids[5], 7),
                ("?join=live", ids[8], 10), ("?last_event_id=\(ids[3])", "", 5),
            ] as [(String, String?, Int)] {
                let stream = try await gateway.stream("s", query: query, headers: header.map { [("Last-Event-ID", $0)] } ?? [])
                #expect(stream.connected?.data["resume"]?["recovered"]?.boolValue == true)
                if first < 10 { #expect(await offPool { stream.sequences(10 - first) } == Array(first...9)) }
                stream.close()
            }
            let lost = try await gateway.stream("s", headers: [("Last-Event-ID", "0000000000000-7")])
            #expect(lost.connected?.data["resume"]?["recovered"]?.boolValue == false)
            #expect(await offPool { lost.sequences(9) } == Array(1...9))
        }
    }

    @Test func `a filter holds for what is kept as for what comes`() async throws {
        try await TestGateway.run(workers: 2) { gateway in
            func publish(_ n: Int) async throws {
                _ = try await gateway.manager.broadcastToSession("s", Event(type: n % 4 == 0 ? .aiDecision : .candle, data: [:]))
            }
            for n in 1...20 { try await publish(n) }
            let stream = try await gateway.stream("s", query: "?join=all&types=ai_decision")
            for n in 21...28 { try await publish(n) }
            #expect(await offPool { stream.sequences(7) } == [4, 8, 12, 16, 20, 24, 28])
        }
    }

    @Test(arguments: [1, 2]) func `who reads slowly is behind for a while, and gets everything once and in order`(workers: Int) async throws
    {
        let change: (inout GatewaySettings) -> Void = {
            $0.sendBufferBytes = 4096
            $0.writeQueueBytesMax = 50_000
        }
        try await TestGateway.run(workers: workers, change) { gateway in
            let slow = try await gateway.stream("s", receiveBufferBytes: 4096)
            for _ in 1...200 { _ = try await gateway.manager.broadcastToSession("s", big(10_000)) }
            let id = try #require(ConnectionID(slow.id))
            let metadata = try #require(await gateway.manager.connectionMetadata(id))
            #expect(metadata.transport == .eventStream && metadata.lag > 100 && metadata.queuedBytes <= 50_000)
            #expect(gateway.manager.metrics.contains("wsg_connections_behind 1\n"))
            #expect(await offPool { slow.sequences(200) } == Array(1...200))
            let isLive = await eventually { gateway.manager.metrics.contains("wsg_connections_behind 0\n") }
            #expect(isLive)
            try await gateway.publish(201, to: "s")
            #expect(await offPool { slow.sequences(1) } == [201])
        }
    }

    @Test func `heartbeats come without a ping, and silence is no fault`() async throws {
        let change: (inout GatewaySettings) -> Void = {
            $0.heartbeatInterval = .milliseconds(50)
            $0.staleTimeout = .milliseconds(100)
        }
        try await TestGateway.run(workers: 1, change) { gateway in
            let stream = try await gateway.stream("s")
            // Three times as long as another may be silent.
            let beats = await offPool { (0..<8).compactMap { _ in stream.next() } }
            #expect(beats.count == 8 && beats.allSatisfy { $0.type == "heartbeat" && $0.data["rtt_ms"] == .null })
            try await gateway.publish(1, to: "s")
            #expect(await offPool { stream.sequences(1) } == [1])
            let next = await offPool { stream.next() }
            #expect(next?.data["delivered"]?.intValue == 1 && next?.data["last_id"]?.stringValue == stream.lastID)
            #expect(await gateway.manager.cleanupStaleConnections(maxAge: .zero) == 0)
            #expect(stream.ended == nil)
        }
    }

    // MARK: How it ends

    @Test func `its end is told as a Close frame would tell it`() async throws {
        let change: (inout GatewaySettings) -> Void = {
            $0.sendBufferBytes = 4096
            $0.historyEventsMax = 0
            $0.writeQueueBytesMax = 4096
        }
        try await TestGateway.run(workers: 2, change) { gateway in
            let (gone, over) = (try await gateway.stream("s"), try await gateway.stream("over"))
            let slow = try await gateway.stream("slow", receiveBufferBytes: 4096)
            let engine = try await gateway.engine()
            #expect(await offPool { engine.call("DELETE", "/v1/connections/\(gone.id)") }?.status == 204)
            try await gateway.publish(1, to: "over")
            #expect(await offPool { engine.call("DELETE", "/v1/sessions/over") }?.status == 204)
            for _ in 1...100 { _ = try await gateway.manager.broadcastToSession("slow", big(10_000)) }
            for (stream, code, reason) in [
                (gone, 1000, "disconnected"), (over, 1000, "session ended"), (slow, 4408, "write queue full; resume with the last id"),
            ] {
                let rest = await offPool { stream.rest() }
                #expect(rest.last?.type == "closed" && rest.last?.id == nil)
                #expect(rest.last?.data == ["code": .int(Int64(code)), "reason": .string(reason)])
                #expect(stream.ended == true)
                stream.close()
            }
            for (code, count) in [("1000", 2), ("4408", 1)] {
                let isCounted = await eventually { gateway.manager.metrics.contains("wsg_closes_total{code=\"\(code)\"} \(count)\n") }
                #expect(isCounted)
            }
            #expect(gateway.manager.metrics.contains("wsg_sse_connections 0\n"))
            engine.close()
        }
    }

    @Test func `a gateway that drains says when to come back`() async throws {
        let manager = try WebSocketManager(TestGateway.settings(workers: 2))
        let addresses = try await manager.start()
        let port = try #require(SocketAddress(parsing: addresses.listen)).port
        let client = await offPool { EventStreamClient(port: port, target: "/sse/forward/s") }
        let stream = try #require(client)
        async let stopped: Void = manager.stop()
        let rest = await offPool {
            let rest = stream.rest()
            stream.close()
            return rest
        }
        await stopped
        let wait = try #require(stream.parser.retry)
        #expect(rest.last?.data == ["code": 1012, "reason": .string("draining; retry-after-ms=\(wait)")])
        #expect(stream.ended == true)
    }

    @Test func `who leaves is gone, and was counted`() async throws {
        try await TestGateway.run(workers: 2) { gateway in
            let streams = try await [gateway.stream("s"), gateway.stream("s"), gateway.stream("s", query: "?types=candle")]
            let socket = try await gateway.join("s")
            #expect(gateway.manager.metrics.contains("wsg_sse_connections 3\n"))
            #expect(gateway.manager.metrics.contains("wsg_connections{kind=\"backtest\"} 4\n"))
            #expect(gateway.manager.metrics.contains("wsg_handshakes_total{outcome=\"accepted\"} 4\n"))
            for stream in streams { stream.close() }
            let isGone = try await eventually { try await gateway.manager.connectionCount() == 1 }
            #expect(isGone)
            // The count of connections, which was asked, is the first that its worker changes.
            let isCounted = await eventually {
                let metrics = gateway.manager.metrics
                return metrics.contains("wsg_sse_connections 0\n") && metrics.contains("wsg_closes_total{code=\"1001\"} 3\n")
            }
            #expect(isCounted)
            let receipt = try await gateway.publish(1, to: "s")
            #expect(receipt.connections == 1 && receipt.sent == 1)
            socket.close()
        }
    }

    // MARK: What it may say

    @Test func `a little behind the request is ignored, and more ends the connection`() async throws {
        try await TestGateway.run(workers: 2) { gateway in
            let limit = Int(ClientConnection.unaskedBytesMax)
            let another = "GET /sse/backtest/s HTTP/1.1\r\nHost: a\r\n\r\n"
            let stream = try await gateway.ask("/sse/backtest/s", behind: another)
            stream.raw.send([UInt8](repeating: 0, count: limit - another.utf8.count))
            try await gateway.publish(1, to: "s")
            #expect(await offPool { stream.sequences(1) } == [1])
            #expect(try await gateway.manager.connectionCount() == 1)
            stream.raw.send([0])
            #expect(await offPool { stream.rest() }.isEmpty)
            let isGone = await eventually { gateway.manager.metrics.contains("wsg_closes_total{code=\"1008\"} 1\n") }
            #expect(isGone)
            let flood = await offPool { [port = gateway.port] in
                EventStreamClient(port: port, target: "/sse/backtest/s", behind: String(repeating: "x", count: limit + 1))
            }
            _ = await offPool { flood?.rest() }
            let isEmpty = try await eventually { try await gateway.manager.connectionCount() == 0 }
            #expect(isEmpty)
        }
    }

    @Test(
        arguments: [
            ("GET", "/sse/backtest/s", [("Last-Event-ID", "x")], 400, "INVALID_QUERY"),
            ("GET", "/sse/backtest/s", [("Last-Event-ID", "0000000000000-0")], 400, "INVALID_QUERY"),
            ("GET", "/sse/backtest/s", [("Last-Event-ID", "0000000000000-1"), ("Last-Event-ID", "0000000000000-1")], 400, "INVALID_QUERY"),
            ("GET", "/sse/backtest/s", [("Last-Event-ID", String(repeating: "0", count: 9000))], 431, "HEADERS_TOO_LARGE"),
            ("GET", "/sse/backtest/s?last_event_id=x", [], 400, "INVALID_QUERY"),
            ("GET", "/sse/backtest/s?join=x", [], 400, "INVALID_QUERY"),
            ("GET", "/sse/backtest/s?types=", [], 400, "INVALID_QUERY"),
            ("GET", "/sse/backtest/s%20", [], 400, "INVALID_SESSION_ID"),
            ("GET", "/sse/backtest/s", [("Content-Length", "5")], 400, "BAD_REQUEST"),
            ("GET", "/sse/backtest/s", [("Transfer-Encoding", "chunked")], 400, "BAD_REQUEST"),
            ("GET", "/sse/backtest/s", [("Origin", "https://evil.example")], 403, "ORIGIN_NOT_ALLOWED"),
            ("OPTIONS", "/sse/backtest/s", [("Origin", "https://evil.example")], 403, "ORIGIN_NOT_ALLOWED"),
            ("GET", "/sse/forward/known", [], 403, "WRONG_KIND"),
            ("GET", "/sse/backtest/full", [], 503, "SESSION_LIMIT"),
            ("GET", "/sse/other/s", [], 404, "NOT_FOUND"),
            ("GET", "/sse/backtest/s/more", [], 404, "NOT_FOUND"),
            ("POST", "/sse/backtest/s", [("Content-Length", "0")], 405, "METHOD_NOT_ALLOWED"),
            ("DELETE", "/sse/backtest/s", [], 405, "METHOD_NOT_ALLOWED"),
        ] as [(String, String, [(String, String)], UInt16, String)])
    func `it is refused as a WebSocket is`(method: String, target: String, headers: [(String, String)], status: UInt16, code: String)
        async throws
    {
        try await TestGateway.run(workers: 2) { gateway in
            let engine = try await gateway.engine()
            #expect(await offPool { engine.call("PUT", "/v1/sessions/known", #"{"kind":"backtest"}"#) }?.status == 201)
            #expect(await offPool { engine.call("PUT", "/v1/sessions/full", #"{"max_connections":1}"#) }?.status == 201)
            let member = try await gateway.join("full")
            let port = gateway.port
            let answer = await offPool { HTTPClient(port: port)?.call(method, target, headers: headers) }
            #expect(answer?.status == status && answer?.errorCode == code)
            #expect(try await gateway.manager.connectionCount() == 1)
            member.close()
            engine.close()
        }
    }

    @Test func `a browser that asks first is told what it may send`() async throws {
        try await TestGateway.run(workers: 1) { gateway in
            let answer = try await gateway.ask(
                "/sse/backtest/s",
                headers: [
                    ("Origin", "http://localhost:3000"), ("Access-Control-Request-Method", "GET"),
                    ("Access-Control-Request-Headers", "last-event-id"),
                ], method: "OPTIONS")
            #expect(answer.status == "HTTP/1.1 204 No Content")
            #expect(
                answer.head.dropFirst() == [
                    "Allow: GET, OPTIONS", "Access-Control-Allow-Origin: http://localhost:3000", "Vary: Origin",
                    "Access-Control-Allow-Methods: GET", "Access-Control-Allow-Headers: Authorization, Last-Event-ID, Cache-Control",
                    "Access-Control-Max-Age: 600",
                ])
            let refused = try await gateway.ask("/sse/backtest/s?join=x", headers: [("Origin", "http://localhost:3000")])
            #expect(refused.head.contains("Access-Control-Allow-Origin: http://localhost:3000"))
            answer.close()
            refused.close()
        }
    }
}

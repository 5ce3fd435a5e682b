import Sessions
import Testing

@testable import WebSocketGateway

@Suite("Handlers of this process that serve a session")
struct SessionCommandTests {
    @Test(arguments: [1, 3])
    func `a handler answers the commands of its session, one after another`(workers: Int) async throws {
        try await TestGateway.run(workers: workers) { gateway in
            let client = try await gateway.join("s")
            let served = try await gateway.manager.serve("s") { command in
                #expect(command.sessionID == "s")
                #expect(command.subject == nil)
                switch command.action {
                case "pause": return .done(["n": command.payload["n"] ?? .null, "action": "buy"])
                case "buy": return .unknown()
                default: return .failed("no \(command.action)")
                }
            }
            for n in 0..<20 { client.send(#"{"action":"PAUSE","n":\#(n)}"#) }
            for n in 0..<20 {
                let answer = await offPool { client.next() }
                #expect(answer?.type == "command_ack")
                #expect(answer?.data.encoded == #"{"action":"pause","ref":null,"n":\#(n)}"#)
            }
            for (action, code) in [("buy", "UNKNOWN_COMMAND"), ("stop", "COMMAND_FAILED")] {
                client.send(#"{"action":"\#(action)"}"#)
                #expect(await offPool { client.next() }?.data["error_code"]?.stringValue == code)
            }
            await served.release()
            client.send(#"{"action":"pause"}"#)
            #expect(await offPool { client.next() }?.data["error_code"]?.stringValue == "NO_ENGINE")
        }
    }

    @Test func `the last claim wins, and what the first was given it may still answer`() async throws {
        try await TestGateway.run(workers: 2) { gateway in
            let client = try await gateway.join("s")
            let (began, begin) = AsyncStream<Void>.makeStream()
            let (mayEnd, end) = AsyncStream<Void>.makeStream()
            try await gateway.manager.serve("s") { _ in
                begin.yield()
                for await _ in mayEnd { break }
                return .done(["by": 1])
            }
            client.send(#"{"action":"a"}"#)
            for await _ in began { break }
            try await gateway.manager.serve("s") { _ in .done(["by": 2]) }
            client.send(#"{"action":"b"}"#)
            #expect(await offPool { client.next() }?.data.encoded == #"{"action":"b","ref":null,"by":2}"#)
            end.yield()
            #expect(await offPool { client.next() }?.data.encoded == #"{"action":"a","ref":null,"by":1}"#)
        }
    }

    @Test func `a handler that hangs is a timeout, and its late answer nobody's`() async throws {
        try await TestGateway.run(workers: 1, { $0.commandTimeout = .milliseconds(50) }) { gateway in
            let client = try await gateway.join("s")
            let (mayEnd, end) = AsyncStream<Void>.makeStream()
            try await gateway.manager.serve("s") { command in
                if command.action == "hang" { for await _ in mayEnd { break } }
                return .done()
            }
            client.send(#"{"action":"hang"}"#)
            #expect(await offPool { client.next() }?.data["error_code"]?.stringValue == "COMMAND_TIMEOUT")
            end.yield()
            // Its time-out is 30 s: nothing hurries this one.
            client.send(#"{"action":"stop"}"#)
            #expect(await offPool { client.next() }?.data["action"]?.stringValue == "stop")
        }
    }

    @Test func `a session that ends, and a gateway that stops, end the serving`() async throws {
        let manager = try WebSocketManager(TestGateway.settings(workers: 2))
        _ = try await manager.start()
        try await manager.registerSession("s")
        try await manager.serve("s") { _ in .done() }
        #expect(manager.metrics.contains("wsg_sessions_served 1\n"))
        try await manager.endSession("s")
        #expect(manager.metrics.contains("wsg_sessions_served 0\n"))
        await manager.stop()
        await #expect(throws: PublishRefusal.gatewayStopped) { try await manager.serve("s") { _ in .done() } }
        await #expect(throws: SessionIDError.self) { try await manager.serve("a b") { _ in .done() } }
    }

    @Test func `there are as many served sessions as there may be sessions`() async throws {
        try await TestGateway.run(workers: 1, { $0.sessionsMax = 1 }) { gateway in
            try await gateway.manager.serve("a") { _ in .done() }
            try await gateway.manager.serve("a") { _ in .done() }
            await #expect(throws: PublishRefusal.tooManySessions) { try await gateway.manager.serve("b") { _ in .done() } }
        }
    }
}

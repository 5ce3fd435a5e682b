import EventLoop
import Sessions
import Testing

@testable import WebSocketGateway

@Suite("A client with a token")
struct ClientConnectionIdentityTests {
    private let maker = TokenMaker()

    /// A gateway that asks for tokens of `maker`.
    private func run(_ change: (inout GatewaySettings) -> Void = { _ in }, _ body: (TestGateway) async throws -> Void) async throws {
        let path = "/tmp/wsg-secret-\(ProcessResources.processID)-\(UInt64.random(in: 0...UInt64.max))"
        try SmallFile.replace(path, with: maker.secret)
        defer { SmallFile.remove(path) }
        try await TestGateway.run(
            { settings in
                settings.tokenSecretFile = path
                change(&settings)
            }, body)
    }

    private func token(_ subject: String, _ more: String = #","sessions":["s*"]"#) -> String {
        maker.token(#"{"sub":"\#(subject)"\#(more)}"#)
    }

    private static var seconds: Int64 { Clocks.wallMicroseconds / 1_000_000 }

    private func end(of client: SocketClient) async -> SocketClient.End? {
        await offPool {
            _ = client.rest()
            return client.end
        }
    }

    private func answer(to token: String, on client: SocketClient) async throws -> SocketClient.Message {
        await offPool { client.send(#"{"action":"authenticate","ref":"r1","token":"\#(token)"}"#) }
        return try #require(await offPool { client.next() })
    }

    @Test func `its subject is in its metadata`() async throws {
        try await run { gateway in
            let client = try await gateway.join("s1", query: "?token=\(token("anna"))")
            let id = try #require(try await gateway.manager.sessionConnections("s1").first)
            #expect(await gateway.manager.connectionMetadata(id)?.subject == "anna")
            client.close()
        }
    }

    @Test func `a new token of the same subject takes the old one's place, and no other does`() async throws {
        try await run { gateway in
            let client = try await gateway.join("s1", query: "?token=\(token("anna"))")
            let good = try await answer(to: token("anna", #","sessions":["s1"],"actions":["stop"]"#), on: client)
            #expect(good.type == "command_ack" && good.data["action"] == "authenticate" && good.data["ref"] == "r1")
            let bad = [
                token("bert"), token("anna", ""), token("anna", #","sessions":["t1"]"#), token("anna", #","sessions":["s1"],"exp":1"#),
                TokenMaker("x").token(#"{"sub":"anna","sessions":["s*"]}"#), "", "null",
            ]
            for token in bad {
                let answer = try await answer(to: token, on: client)
                #expect(answer.type == "error" && answer.data["error_code"] == "UNAUTHORIZED", "\(token)")
                #expect(answer.data["details"]?["ref"] == "r1")
                #expect(!answer.json.encoded.contains("eyJ"), "a token is told to nobody")
            }
            await offPool { client.send(#"{"action":"authenticate","token":"a","token":"b"}"#) }
            let twice = try #require(await offPool { client.next() })
            #expect(twice.data["error_code"] == "UNAUTHORIZED")
        }
    }

    @Test func `an owner stays one with a token that names no session`() async throws {
        try await run { gateway in
            _ = try await gateway.manager.registerSession("mine", SessionRegistration(owner: "anna"))
            let client = try await gateway.join("mine", query: "?token=\(token("anna", ""))")
            #expect(try await answer(to: token("anna", #","iat":5"#), on: client).type == "command_ack")
        }
    }

    @Test func `at the end of its token it is closed with 4401, where that is set`() async throws {
        try await run({ $0.tokenExpiry = .close }) { gateway in
            // With the leeway of 30 s that is in a moment.
            let client = try await gateway.join("s1", query: "?token=\(token("anna", #","sessions":["s1"],"exp":\#(Self.seconds - 27)"#))")
            #expect(await end(of: client) == .closed(4401, "token expired"))
        }
    }

    @Test func `a token renewed in time keeps it`() async throws {
        try await run({ $0.tokenExpiry = .close }) { gateway in
            let ends = Self.seconds - 22
            let client = try await gateway.join("s1", query: "?token=\(token("anna", #","sessions":["s1"],"exp":\#(ends)"#))")
            let other = try await gateway.join("s1", query: "?token=\(token("anna", #","sessions":["s1"],"exp":\#(ends)"#))")
            #expect(try await answer(to: token("anna", #","sessions":["s1"],"exp":\#(ends + 3600)"#), on: client).type == "command_ack")
            #expect(await end(of: other) == .closed(4401, "token expired"))
            #expect(try await gateway.manager.connectionCount("s1") == 1)
        }
    }

    @Test func `at the end of its time it is closed with 1012`() async throws {
        try await TestGateway.run({ $0.connectionLifetimeMax = .milliseconds(300) }) { gateway in
            let client = try await gateway.join("s1")
            guard case .closed(1012, let reason)? = await end(of: client) else { return #expect(client.end == .closed(1012, "")) }
            #expect(reason.hasPrefix("lifetime over; retry-after-ms="))
        }
    }
}

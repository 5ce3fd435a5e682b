import Sessions
import Testing

@testable import WebSocketGateway

@Suite("What is kept of a connection for who asks later")
struct ClientConnectionRecordingTests {
    private let slowly: (inout GatewaySettings) -> Void = {
        $0.sendBufferBytes = 4096
        $0.writeQueueBytesMax = 50_000
    }

    private func big() -> Event { Event(type: .candle, data: ["p": .string(String(repeating: "x", count: 10_000))]) }

    private func closure(_ gateway: TestGateway, _ session: String) async throws -> ConnectionClosure? {
        _ = await eventually { (try? await gateway.manager.recentClosures(sessionID: session).isEmpty) == false }
        return try await gateway.manager.recentClosures(sessionID: session).first
    }

    @Test(arguments: [1, 2]) func `a slow client's story is told while it is open and after`(workers: Int) async throws {
        try await TestGateway.run(workers: workers, slowly) { gateway in
            let (slow, healthy) = (try await gateway.join("s", receiveBufferBytes: 4096), try await gateway.join("s"))
            for n in 1...100 {
                _ = try await gateway.manager.broadcastToSession("s", big())
                #expect(await offPool { healthy.nextEvent() }?.sequence == n)
            }
            let (slowID, healthyID) = (try #require(ConnectionID(slow.id)), try #require(ConnectionID(healthy.id)))
            let story = try #require(await gateway.manager.connectionMetadata(slowID)?.story)
            // On a slow machine the kernel's buffers may take what waits once more, and it caught up for a while.
            #expect(story.moments.prefix(2).map(\.what.name) == ["lagged", "fell_behind"])
            guard case .fellBehind(let after, let bytes) = story.moments[1].what else { return }
            #expect(bytes <= 50_000 && bytes > 30_000)
            #expect(await gateway.manager.connectionMetadata(healthyID)?.story == ConnectionStory())

            #expect(await offPool { slow.sequences(100) } == Array(1...100))
            let isTold = await eventually {
                guard let story = await gateway.manager.connectionMetadata(slowID)?.story, story.moments.count == 3 else { return false }
                return story.moments[2].count == story.moments[1].count
            }
            #expect(isTold)
            let whole = try #require(await gateway.manager.connectionMetadata(slowID)?.story)
            guard case .caughtUp(_, let events) = whole.moments[2].what else {
                Issue.record("\(whole)")
                return
            }
            #expect(story.moments[1].count == 1 ? events == 100 - (after?.sequence ?? 0) : events > 100 - (after?.sequence ?? 0))
            #expect(await gateway.manager.disconnect(slowID))
            let record = try #require(try await closure(gateway, "s"))
            #expect((record.connectionID, record.reason, record.by, record.delivered) == (slowID, .disconnected, .gateway, 100))
            #expect(record.lastID?.sequence == 100 && record.story == whole && record.remoteAddress == "127.0.0.1")
            #expect(await gateway.manager.connectionMetadata(slowID) == nil)
        }
    }

    /// What comes late from the history is soon there, and nobody's business.
    @Test func `who comes late or back is healthy`() async throws {
        try await TestGateway.run { gateway in
            for n in 1...50 { try await gateway.publish(n, to: "s") }
            let client = try await gateway.join("s", query: "?join=all")
            #expect(await offPool { client.sequences(50) } == Array(1...50))
            let id = try #require(ConnectionID(client.id))
            #expect(await gateway.manager.connectionMetadata(id)?.story == ConnectionStory())
        }
    }

    @Test func `the control listener tells both, and of a session's alone`() async throws {
        try await TestGateway.run { gateway in
            let (client, other) = (try await gateway.join("s"), try await gateway.join("t"))
            let engine = try await gateway.engine()
            let path = "/v1/connections/\(client.id)"
            let open = try #require(await offPool { engine.call("GET", path) })
            #expect(open.status == 200 && open.json["story"] == .array([]) && open.json["story_dropped"]?.intValue == 0)
            client.close()
            other.close()
            let record = try #require(try await closure(gateway, "s"))
            _ = try await closure(gateway, "t")
            let gone = try #require(await offPool { engine.call("GET", path) })
            #expect(gone.status == 404 && gone.errorCode == "CONNECTION_NOT_FOUND")
            #expect(gone.json["error"]?["details"]?["closure"] == .object(record.json))
            #expect(try await gateway.manager.recentClosures().count == 2)
            #expect(try await gateway.manager.recentClosures(limit: 0).count == 1)
            let list = try #require(await offPool { engine.call("GET", "/v1/closures?session_id=s") })
            #expect(list.json.encoded == JSON.object(["closures": .array([.object(record.json)])]).encoded)
            let unknown = try #require(await offPool { engine.call("GET", "/v1/connections/00000000-0000-4000-8000-000000000000") })
            #expect(unknown.status == 404 && unknown.json["error"]?["details"] == .object([:]))
            engine.close()
        }
    }
}

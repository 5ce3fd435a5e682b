import Sessions
import Testing

@testable import WebSocketGateway

@Suite("The memory budget")
struct WorkerCoreMemoryTests {
    private static let mebibyte = 1 << 20

    /// One worker with a mebibyte, whose clients' sockets take little.
    private func run(_ change: @escaping (inout GatewaySettings) -> Void, _ body: (TestGateway) async throws -> Void) async throws {
        let settings: (inout GatewaySettings) -> Void = {
            $0.memoryBudgetBytes = Self.mebibyte
            $0.sendBufferBytes = 4096
            $0.writeQueueBytesMax = 200_000
            change(&$0)
        }
        try await TestGateway.run(workers: 1, settings, body)
    }

    private func publish(_ count: Int, to session: String, of gateway: TestGateway) async throws {
        let event = Event(type: .candle, data: ["p": .string(String(repeating: "x", count: 10_000))])
        for _ in 0..<count { _ = try await gateway.manager.broadcastToSession(session, event) }
    }

    private func value(_ name: String, _ gateway: TestGateway) throws -> Int {
        let line = try #require(gateway.manager.metrics.split(separator: "\n").first { $0.hasPrefix(name + " ") })
        return try #require(Int(line.dropFirst(name.count + 1)))
    }

    private func used(_ gateway: TestGateway) throws -> Int {
        try ["history", "queues", "kernel"].reduce(0) { try $0 + value("wsg_memory_bytes{kind=\"\($1)\"}", gateway) }
    }

    /// Ends of the ranges that came or were announced as lost, without a hole between them.
    private func covered(_ client: SocketClient, to last: Int) -> ClosedRange<Int>? {
        var covered: ClosedRange<Int>?
        while covered?.upperBound ?? 0 < last, let message = client.next() {
            func sequence(_ name: String) -> Int? { message.data[name]?.stringValue?.split(separator: "-").last.flatMap { Int($0) } }
            guard let first = message.type == "lost" ? sequence("first_id") : message.sequence,
                let end = message.type == "lost" ? sequence("last_id") : message.sequence
            else { continue }
            guard first == (covered?.upperBound ?? first - 1) + 1 else { return nil }
            covered = (covered?.lowerBound ?? first)...end
        }
        return covered
    }

    @Test func `queues that hold what no history keeps are left to the history, and everybody learns what is gone`() async throws {
        try await run {
            $0.historyBytesMax = 64_000
        } _: { gateway in
            var clients: [SocketClient] = []
            for _ in 0..<12 {
                clients.append(try await gateway.join("s", receiveBufferBytes: 4096))
                try await publish(16, to: "s", of: gateway)
            }
            #expect(await eventually { (try? used(gateway)).map { $0 > 0 && $0 <= Self.mebibyte } ?? false })
            #expect(try value("wsg_queues_shed_total", gateway) > 0)
            #expect(try value("wsg_slow_closes_total{reason=\"memory_budget\"}", gateway) == 0)
            #expect(try value("wsg_memory_budget_bytes", gateway) == Self.mebibyte)
            for (number, client) in clients.enumerated() {
                let whole = await offPool { covered(client, to: 192) }
                #expect(whole == number * 16 + 1...192)
            }
            #expect(await eventually { (try? value("wsg_connections_behind", gateway)) == 0 })
        }
    }

    @Test func `the idlest histories give way to queues, and keep a half`() async throws {
        try await run { _ in
        } _: { gateway in
            for session in ["old", "s"] { try await publish(50, to: session, of: gateway) }
            #expect(try value("wsg_history_events", gateway) == 100)
            var clients: [SocketClient] = []
            for _ in 0..<16 { clients.append(try await gateway.join("s", receiveBufferBytes: 4096)) }
            try await publish(60, to: "s", of: gateway)
            #expect(
                await eventually {
                    (try? value("wsg_memory_bytes{kind=\"kernel\"}", gateway)) == 16 * 32_768
                        && (try? used(gateway)) ?? .max <= Self.mebibyte
                })
            let kept = try value("wsg_history_bytes", gateway)
            #expect(kept <= Self.mebibyte * 7 / 10 && kept >= Self.mebibyte * 4 / 10)
            #expect(try value("wsg_history_dropped_total{reason=\"gateway_limit\"}", gateway) > 0)
            for client in clients {
                let whole = await offPool { covered(client, to: 110) }
                #expect(whole == 51...110)
            }
        }
    }

    @Test(arguments: [10_000, 0]) func `when that is not enough those that hold most are closed, and told why`(historyEventsMax: Int)
        async throws
    {
        let change: (inout GatewaySettings) -> Void = { ($0.historyEventsMax, $0.writeQueueBytesMax) = (historyEventsMax, 2_000_000) }
        try await run(change) { gateway in
            let reader = try await gateway.join("s")
            async let read = offPool { reader.sequences(60) }
            var clients: [SocketClient] = []
            for _ in 0..<48 { clients.append(try await gateway.join("s", receiveBufferBytes: 4096)) }
            try await publish(60, to: "s", of: gateway)
            #expect(await eventually { (try? value("wsg_slow_closes_total{reason=\"memory_budget\"}", gateway)).map { $0 > 0 } ?? false })
            #expect(await eventually { (try? used(gateway)).map { $0 <= Self.mebibyte } ?? false })
            let closures = try await gateway.manager.recentClosures()
            #expect(!closures.isEmpty && closures.allSatisfy { $0.reason == .slowMemoryBudget && $0.closeCode == 4408 })
            #expect(closures.count < 40, "no more than are too many")
            #expect(await read == Array(1...60), "who reads is none of them")
            for client in clients where closures.contains(where: { $0.connectionID.description == client.id }) {
                _ = await offPool { client.rest() }
                #expect(client.end == .closed(4408, "the gateway's memory is full; resume with the last id"))
            }
        }
    }
}

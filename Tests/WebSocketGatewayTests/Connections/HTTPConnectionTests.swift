import EventLoop
import HTTP
import Testing
import WebSocket

@testable import WebSocketGateway

/// What a client can do to its connection by not reading. The gateway's send buffer is small, so that a few answers fill it.
@Suite("A client's connection before its upgrade")
struct HTTPConnectionTests {
    private static let ask = "GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n"

    private func run(_ change: @escaping (inout GatewaySettings) -> Void = { _ in }, _ body: (TestGateway) async throws -> Void)
        async throws
    {
        try await TestGateway.run(
            workers: 1,
            {
                $0.sendBufferBytes = 4608
                change(&$0)
            }, body)
    }

    private func statuses(_ raw: RawClient, _ count: Int) -> [UInt16] {
        var parser = ResponseParser()
        var statuses: [UInt16] = []
        while statuses.count < count, let bytes = raw.receive(), !bytes.isEmpty {
            var position = 0
            while let element = try? parser.next(bytes.span, at: &position) {
                guard case .head(let head) = element else { continue }
                statuses.append(head.status)
                if head.status == 101 { return statuses }
            }
        }
        return statuses
    }

    @Test func `an upgrade waits until the answers before it are with the kernel`() async throws {
        try await run { gateway in
            let raw = try #require(RawClient(port: gateway.port, receiveBufferBytes: 2048))
            defer { raw.close() }
            let upgrade = ClientHandshake.request(host: "a", target: "/ws/backtest/s", key: ClientHandshake.makeKey(), headers: [])
            raw.send(Array(String(repeating: Self.ask, count: 80).utf8) + upgrade)
            let statuses = await offPool { self.statuses(raw, 81) }
            #expect(statuses == Array(repeating: 404, count: 80) + [101])
        }
    }

    @Test func `a client that takes no answer is cut off, whatever it goes on to send`() async throws {
        try await run({ $0.writeTimeout = .milliseconds(200) }) { gateway in
            let raw = try #require(RawClient(port: gateway.port, receiveBufferBytes: 2048))
            defer { raw.close() }
            raw.send(Array(String(repeating: Self.ask, count: 80).utf8))
            // A head, a byte at a time: it is no progress of the answers, and none of its own.
            let isCut = try await within {
                await offPool {
                    for _ in 0..<1_000_000 where !raw.send([UInt8(ascii: "G")]) { return true }
                    return false
                }
            }
            #expect(isCut == true)
        }
    }

    @Test func `a client that has said goodbye and closed its side gets the reply to its Close`() async throws {
        try await run { gateway in
            let client = try await gateway.join("s", receiveBufferBytes: 2048)
            let text = String(repeating: "x", count: 300_000)
            _ = try await gateway.manager.broadcastToSession("s", .aiThinking(text))
            _ = try await gateway.manager.broadcastToSession("s", .aiThinking(text))
            client.send(.close, [0x03, 0xE8])
            client.finishSending()
            let events = await offPool { client.rest() }
            // The first had begun and is whole; the second was dropped; nothing is cut in two.
            #expect(events.count == 1)
            #expect(client.end == .closed(1000, ""))
        }
    }
}

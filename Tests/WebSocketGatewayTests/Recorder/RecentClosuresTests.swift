import EventLoop
import Sessions
import Testing

@testable import WebSocketGateway

@Suite("The newest closures of a worker")
struct RecentClosuresTests {
    private func closure(_ number: Int, session: String? = nil) throws -> Closure {
        var random = SeededGenerator(seed: UInt64(number))
        return Closure(
            id: ConnectionID(worker: 1, slot: UInt32(number), using: &random), session: try session.map { try SessionID($0) },
            kind: .backtest,
            transport: .webSocket, address: try #require(SocketAddress(parsing: "127.0.0.1:7")), ending: .clientLeft, closeCode: 1000,
            connectedAt: 1, closedAt: Int64(number), delivered: UInt64(number), lastID: nil, queuedBytes: 0, lag: 0,
            roundTripNanoseconds: 1_234_567, recorder: nil)
    }

    private func numbers(_ closures: [ConnectionClosure]) -> [UInt64] { closures.map(\.delivered) }

    @Test func `none are none`() {
        #expect(RecentClosures().newest(10, of: nil).isEmpty)
    }

    @Test(arguments: [1, 5, 255, 256, 257, 300, 600]) func `the newest 256 are kept, newest first`(count: Int) throws {
        var closures = RecentClosures()
        let all = try (1...count).map { try closure($0) }
        for one in all { closures.add(one) }
        #expect(closures.count == min(count, 256))
        let expected = (max(1, count - 255)...count).reversed().map(UInt64.init)
        #expect(numbers(closures.newest(1000, of: nil)) == expected)
        #expect(numbers(closures.newest(3, of: nil)) == Array(expected.prefix(3)))
        for one in all { #expect((closures[one.id] != nil) == (one.closedAt > Int64(count - 256))) }
    }

    @Test func `of one session there are its own`() throws {
        var closures = RecentClosures()
        for number in 1...9 { closures.add(try closure(number, session: number % 3 == 0 ? nil : "s\(number % 3)")) }
        #expect(numbers(closures.newest(1000, of: try SessionID("s1"))) == [7, 4, 1])
        #expect(numbers(closures.newest(2, of: try SessionID("s2"))) == [8, 5])
        #expect(numbers(closures.newest(1000, of: try SessionID("s3"))).isEmpty)
    }

    @Test func `a record says all that was noted`() throws {
        var closures = RecentClosures()
        let one = try closure(5, session: "s")
        closures.add(one)
        let record = try #require(closures[one.id])
        #expect(
            record.json.encoded == """
                {"connection_id":"\(one.id)","session_id":"s","kind":"backtest","transport":"websocket","remote_address":"127.0.0.1",\
                "connected_at":"1970-01-01T00:00:00.000001Z","closed_at":"1970-01-01T00:00:00.000005Z","close_code":1000,"by":"client",\
                "reason":"client_left","violation":null,"delivered":5,"last_id":null,"queued_bytes":0,"lag":0,"rtt_ms":1.234,"story":[],\
                "story_dropped":0}
                """)
    }

    /// 256 of them a worker: what a story adds is bounded by itself.
    @Test func `a closure is small`() {
        #expect(MemoryLayout<Closure>.stride <= 256)
        #expect(MemoryLayout<ConnectionMoment>.stride <= 128)
    }
}

import Sessions
import Testing

@testable import WebSocketGateway

@Suite("A session at its home")
struct HomeSessionTests {
    private static let limits = SessionHistory.Limits(eventsMax: 100, bytesMax: 10_000, retention: 60_000_000_000)

    @Test(arguments: [
        (HistoryLimits(), 100, 10_000, 60_000), (HistoryLimits(eventsMax: 0), 0, 10_000, 60_000),
        (HistoryLimits(eventsMax: 7, bytesMax: 4096, retention: .milliseconds(1500)), 7, 4096, 1500),
        (HistoryLimits(eventsMax: 101, bytesMax: 10_001, retention: .seconds(61)), 100, 10_000, 60_000),
        (HistoryLimits(eventsMax: .min, bytesMax: .min, retention: .seconds(Int64.min)), 0, 0, 0),
        (HistoryLimits(eventsMax: .max, bytesMax: .max, retention: .seconds(Int64.max)), 100, 10_000, 60_000),
    ])
    func `it keeps what its registration says, and no more than the gateway`(
        own: HistoryLimits, events: Int, bytes: Int, retentionMilliseconds: UInt64
    ) throws {
        let session = HomeSession(try SessionID("s"), incarnation: 1, workers: 1, limits: Self.limits, now: 0)
        session.register(SessionRegistration(history: own), gatewayLimits: Self.limits)
        #expect(session.limits.eventsMax == events && session.limits.bytesMax == bytes)
        #expect(session.limits.retention == retentionMilliseconds * 1_000_000)
        session.register(SessionRegistration(), gatewayLimits: Self.limits)
        #expect(session.limits.eventsMax == 100 && session.limits.bytesMax == 10_000 && session.limits.retention == 60_000_000_000)
    }

    @Test func `its policies are what its registration says`() throws {
        let session = HomeSession(try SessionID("s"), incarnation: 1, workers: 1, limits: Self.limits, now: 0)
        #expect(session.policies == DeliveryPolicies())
        session.register(SessionRegistration(policies: [.candle: .latest]), gatewayLimits: Self.limits)
        #expect(session.policies == DeliveryPolicies([.candle: .latest]) && session.policies != DeliveryPolicies())
        session.register(nil, gatewayLimits: Self.limits)
        #expect(session.policies == DeliveryPolicies())
    }

    @Test func `it may be forgotten only while nothing would be lost`() throws {
        func session() throws -> HomeSession { HomeSession(try SessionID("s"), incarnation: 1, workers: 3, limits: Self.limits, now: 0) }
        let fresh = try session()
        #expect(fresh.isForgettable)
        fresh.count(1, on: 2, .window12)
        #expect(fresh.connections == 1 && fresh.members[2].window12 == 1 && fresh.encodings == [.window12])
        #expect(!fresh.isForgettable)
        fresh.count(-1, on: 2, .window12)
        #expect(fresh.encodings.isEmpty)
        #expect(fresh.isForgettable)
        let registered = try session()
        registered.register(SessionRegistration(), gatewayLimits: Self.limits)
        #expect(!registered.isForgettable)
        let published = try session()
        var random = SystemRandomNumberGenerator()
        _ = published.assigned.append(now: Timestamp(microsecondsSince1970: 0), epoch: Epoch.random(using: &random))
        #expect(!published.isForgettable)
    }

    @Test func `a session knows the encodings of its connections, whichever workers they are on`() throws {
        let home = HomeSession(try SessionID("s"), incarnation: 1, workers: 3, limits: Self.limits, now: 0)
        let steps: [(change: Int, worker: Int, encoding: Encoding, after: [Encoding])] = [
            (1, 0, .window12, [.window12]), (1, 0, .window12, [.window12]), (1, 2, .plain, [.plain, .window12]),
            (1, 2, .window12, [.plain, .window12]), (-1, 0, .window12, [.plain, .window12]), (-1, 0, .window12, [.plain, .window12]),
            (-1, 2, .window12, [.plain]), (-1, 2, .plain, []), (1, 1, .eventStream, [.eventStream]),
        ]
        for step in steps {
            home.count(step.change, on: step.worker, step.encoding)
            #expect(home.encodings == step.after)
        }
        #expect(home.connections == 1)
    }
}

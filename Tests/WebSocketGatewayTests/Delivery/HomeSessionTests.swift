import Sessions
import Testing

@testable import WebSocketGateway

@Suite("A session at its home")
struct HomeSessionTests {
    @Test func `its policies are what its registration says`() throws {
        let session = HomeSession(try SessionID("s"), incarnation: 1, workers: 1, now: 0)
        #expect(session.policies == DeliveryPolicies())
        session.registration = SessionRegistration(policies: [.candle: .latest])
        #expect(session.policies == DeliveryPolicies([.candle: .latest]) && session.policies != DeliveryPolicies())
        session.registration = nil
        #expect(session.policies == DeliveryPolicies())
    }

    @Test func `it may be forgotten only while nothing would be lost`() throws {
        func session() throws -> HomeSession { HomeSession(try SessionID("s"), incarnation: 1, workers: 3, now: 0) }
        let fresh = try session()
        #expect(fresh.isForgettable)
        fresh.members[2].window12 = 1
        #expect(fresh.connections == 1)
        #expect(!fresh.isForgettable)
        fresh.members[2].window12 = 0
        #expect(fresh.isForgettable)
        let registered = try session()
        registered.registration = SessionRegistration()
        #expect(!registered.isForgettable)
        let published = try session()
        var random = SystemRandomNumberGenerator()
        _ = published.assigned.append(now: Timestamp(microsecondsSince1970: 0), epoch: Epoch.random(using: &random))
        #expect(!published.isForgettable)
    }
}

import Sessions
import Testing

@testable import websocket_gateway

@Suite struct LoadSessionTests {
    private func session() throws -> LoadSession { LoadSession(index: 0, id: try SessionID("load-1")) }

    private func isOurs(_ epoch: String, _ session: LoadSession) -> Bool { session.isOurs(Array(epoch.utf8).span) }

    @Test func `the first epoch seen is adopted, any other refused`() throws {
        let session = try session()
        for (epoch, isOurs) in [
            ("0123456789abc", true), ("0123456789abc", true), ("0123456789abd", false), ("0123456789ab", false), ("0123456789abcd", false),
            ("", false), ("0123456789abc", true),
        ] {
            #expect(self.isOurs(epoch, session) == isOurs, "\(epoch)")
        }
    }

    @Test func `a stream that begins with the run has an epoch of its own, of the gateway's form, and nothing before`() throws {
        let (one, other) = (try session(), try session())
        one.beginStream()
        other.beginStream()
        #expect(one.base == 0)
        let epoch = try Epoch(parsing: String(decoding: one.epoch, as: UTF8.self))
        #expect(epoch.description.utf8.count == 13)
        let another = String(decoding: other.epoch, as: UTF8.self)
        #expect(isOurs(epoch.description, one))
        #expect(!isOurs(another, one))
    }
}

import Testing
import WebSocket

@Suite("Masking is the client's duty (RFC 6455 §5.1)")
struct PeerRoleTests {
    @Test func `a server refuses an unmasked frame`() {
        #expect(Outcome(hex("81 05 48 65 6c 6c 6f"), role: .server).violation == .unmaskedClientFrame)
    }

    @Test func `a client refuses a masked frame`() {
        #expect(Outcome(hex("81 85 37 fa 21 3d 7f 9f 4d 51 58"), role: .client).violation == .maskedServerFrame)
    }
}

import Testing
import WebSocket

@Suite("Frame header")
struct FrameHeaderTests {
    @Test func `RSV1 is not set unless said`() {
        #expect(!FrameHeader(opcode: .text, fin: true, maskingKey: 0, payloadLength: 0).rsv1)
        #expect(FrameHeader(opcode: .text, fin: true, rsv1: true, maskingKey: 0, payloadLength: 0).rsv1)
    }

    @Test func `a header is two words`() {
        #expect(MemoryLayout<FrameHeader>.size == 16)
    }
}

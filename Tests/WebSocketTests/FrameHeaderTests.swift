import Testing
import WebSocket

@Suite("Frame header")
struct FrameHeaderTests {
    @Test func `a header is two words`() {
        #expect(MemoryLayout<FrameHeader>.size == 16)
    }
}

import Testing

@testable import WebSocketGateway

@Suite("What one engine connection may have under way")
struct PublishWindowTests {
    @Test func `so many publishes and no more`() {
        var window = PublishWindow()
        for _ in 1..<PublishWindow.publishesMax { window.enter(bytes: 1) }
        #expect(!window.isFull)
        window.enter(bytes: 1)
        #expect(window.isFull)
        window.leave()
        #expect(!window.isFull)
    }

    @Test func `so many bytes and no more`() {
        var window = PublishWindow()
        window.enter(bytes: PublishWindow.bytesMax - 1)
        #expect(!window.isFull)
        window.enter(bytes: 1)
        #expect(window.isFull)
        window.leave()
        #expect(!window.isFull)
        window.leave()
        window.leave()
        #expect(!window.isFull, "leaving an empty window does nothing")
    }
}

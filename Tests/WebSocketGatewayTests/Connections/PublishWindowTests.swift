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

    /// Those that left are let go of now and then: none of it shows.
    @Test(arguments: [1, 2, 3] as [UInt64])
    func `however many come and go, the sums are those that are under way`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var window = PublishWindow()
        var under: [Int] = []
        for _ in 0..<20_000 {
            if under.count < 600, Int.random(in: 0..<5, using: &random) > 1 {
                under.append(Int.random(in: 1...40_000, using: &random))
                window.enter(bytes: under[under.count - 1])
            } else if !under.isEmpty {
                under.removeFirst()
                window.leave()
            }
            let isFull = under.count >= PublishWindow.publishesMax || under.reduce(0, +) >= PublishWindow.bytesMax
            guard window.isFull == isFull else {
                Issue.record("seed \(seed): \(under.count) publishes, \(under.reduce(0, +)) bytes")
                return
            }
        }
    }
}

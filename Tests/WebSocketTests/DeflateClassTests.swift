import Testing
import WebSocket

@Suite("Deflate classes")
struct DeflateClassTests {
    @Test func `windows are 4 KiB and 512 bytes`() {
        #expect(DeflateClass.allCases.map(\.windowBits) == [12, 9])
    }

    /// A repetition farther back than the window is not found: what is agreed is kept.
    @Test(arguments: DeflateClass.allCases)
    func `no distance is longer than the window`(deflateClass: DeflateClass) throws {
        let deflater = try #require(Deflater(deflateClass))
        let window = 1 << Int(deflateClass.windowBits)
        var generator = SeededGenerator(seed: 12)
        let random = (0..<window).map { _ in UInt8.random(in: 0...255, using: &generator) }
        // Incompressible, then the same again: only a window of more than its length would shorten it.
        #expect(deflater.deflate((random + random)) == nil)
        let near = random[..<(window / 8)]
        let compressed = try #require(deflater.deflate(Array(near + near + near + near)))
        #expect(compressed.count < window / 4)
    }
}

import Testing

@testable import WebSocketGateway

@Suite("A worker's share of the memory budget")
struct MemoryShareTests {
    private static let mebibyte = 1 << 20

    @Test(arguments: [
        // history, queues, connections that lag: excess, room for the history
        (0, 0, 0, 0, 1024),
        (1024, 0, 0, 0, 1024),
        (1025, 0, 0, 1, 1024),
        (1000, 24, 0, 0, 1000),
        (1000, 25, 0, 1, 999),
        (0, 512, 0, 0, 512),
        (600, 500, 0, 76, 524),
        (512, 600, 0, 88, 512),
        (0, 1025, 0, 1, 512),
        (512, 256, 8, 0, 512),
        (512, 256, 9, 32, 512),
        (512, 0, 32, 512, 512),
    ])
    func `the history gives way to the rest down to a half`(history: Int, queues: Int, lagging: Int, excess: Int, room: Int) {
        var share = MemoryShare(bytes: Self.mebibyte)
        share.note(queues: queues << 10, lagging: lagging, queuedBytes: 0)
        #expect(share.excess(history: history << 10) == excess << 10)
        #expect(share.historyRoom == room << 10)
    }

    @Test func `it is looked again when an eighth more waits`() {
        var share = MemoryShare(bytes: Self.mebibyte)
        #expect(share.looksAbove == 131_072)
        share.note(queues: 0, lagging: 5, queuedBytes: 500_000)
        #expect(share.looksAbove == 631_072)
        #expect(share.kernel == 5 * 32_768)
    }
}

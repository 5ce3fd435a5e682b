import Testing
import WebSocket

@Suite("Compressing (RFC 7692 §7.2.1)")
struct DeflaterTests {
    @Test(arguments: DeflateClass.allCases)
    func `what is compressed inflates to the same, one message after another`(deflateClass: DeflateClass) throws {
        let deflater = try #require(Deflater(deflateClass))
        let inflater = try #require(Inflater())
        for seed: UInt64 in 0..<300 {
            var generator = SeededGenerator(seed: seed)
            let message = Candles.json(.random(in: 1...20_000, using: &generator), using: &generator)
            let compressed = try #require(deflater.deflate(message), "seed \(seed)")
            #expect(compressed.count < message.count)
            #expect(try inflater.inflate(compressed, max: message.count) == message, "seed \(seed)")
        }
    }

    @Test(arguments: DeflateClass.allCases)
    func `any bytes survive, whatever the mixture of noise and repetition`(deflateClass: DeflateClass) throws {
        let deflater = try #require(Deflater(deflateClass))
        let inflater = try #require(Inflater())
        var compressedCount = 0
        for seed: UInt64 in 0..<2_000 {
            var generator = SeededGenerator(seed: seed)
            var message: [UInt8] = []
            for _ in 0..<Int.random(in: 0...12, using: &generator) {
                let byte = UInt8.random(in: 0...255, using: &generator)
                let count = Int.random(in: 0...400, using: &generator)
                let isNoise = Bool.random(using: &generator)
                for _ in 0..<count { message.append(isNoise ? .random(in: 0...255, using: &generator) : byte) }
            }
            guard let compressed = deflater.deflate(message) else { continue }
            compressedCount += 1
            #expect(compressed.count < message.count, "seed \(seed)")
            #expect(try inflater.inflate(compressed, max: message.count) == message, "seed \(seed)")
        }
        #expect(compressedCount > 1_000)
    }

    @Test(arguments: DeflateClass.allCases)
    func `a message is compressed the same whatever was compressed before it`(deflateClass: DeflateClass) throws {
        var generator = SeededGenerator(seed: 7692)
        let used = try #require(Deflater(deflateClass))
        for _ in 0..<50 {
            let message = Candles.json(.random(in: 100...5_000, using: &generator), using: &generator)
            let fresh = try #require(Deflater(deflateClass))
            #expect(used.deflate(message) == fresh.deflate(message))
        }
    }

    @Test func `what would not get smaller is not compressed, and the deflater is none the worse`() throws {
        let deflater = try #require(Deflater(.window12))
        var generator = SeededGenerator(seed: 3)
        let empty: [UInt8] = []
        #expect(deflater.deflate(empty) == nil)
        #expect(deflater.deflate([0x61]) == nil)
        #expect(deflater.deflate(Array("Hello".utf8)) == nil)
        for count in [2, 10, 100, 1_000, 100_000] {
            let noise = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
            #expect(deflater.deflate(noise) == nil)
        }
        let message = Candles.json(500, using: &generator)
        #expect(deflater.deflate(message) != nil)
    }

    /// §7.2.1: the tail is left out, and what stays ends with the header of the empty block, which is 0 and padded with 0.
    @Test func `the flush's tail is not sent`() throws {
        let deflater = try #require(Deflater(.window12))
        let compressed = try #require(deflater.deflate([UInt8](repeating: 0x61, count: 1_000)))
        #expect(compressed.suffix(4) != [0x00, 0x00, 0xFF, 0xFF])
        #expect(try #require(compressed.last) & 0xE0 == 0)
        #expect(compressed.count < 16)
    }

    @Test func `the break-even is one byte`() throws {
        let deflater = try #require(Deflater(.window12))
        var lengths: [Int] = []
        for count in 1...12 {
            let message = [UInt8](repeating: 0x61, count: count)
            if let compressed = deflater.deflate(message) { lengths.append(count - compressed.count) }
        }
        #expect(lengths.first == 1)
        #expect(lengths == lengths.sorted())
    }

    @Test func `candles shrink as measured`() throws {
        var generator = SeededGenerator(seed: 4)
        let message = Candles.json(4_000, using: &generator)
        let wide = try #require(Deflater(.window12)?.deflate(message))
        let narrow = try #require(Deflater(.window9)?.deflate(message))
        #expect(wide.count * 100 < message.count * 35)
        #expect(narrow.count * 100 < message.count * 40)
    }
}

/// Ways to cut an input, as reads from a socket do. Derived from the input alone: a finding replays.
enum Pieces {
    /// Whole; at random places, with empty pieces among them; and where that is cheap, byte by byte.
    static func ways(_ input: [UInt8]) -> [[Range<Int>]] {
        var ways = [random(input)]
        if input.count <= 96 { ways.append(input.indices.map { $0..<$0 + 1 }) }
        return ways
    }

    private static func random(_ input: [UInt8]) -> [Range<Int>] {
        var generator = SeededGenerator(input)
        let piecesMax = [2, 7, 64][Int(generator.next() % 3)]
        let cuts = (0..<Int.random(in: 1..<piecesMax, using: &generator)).map { _ in Int.random(in: 0...input.count, using: &generator) }
        let bounds = [0] + cuts.sorted() + [input.count]
        return zip(bounds, bounds.dropFirst()).map { $0..<$1 }
    }
}

/// SplitMix64 over an FNV-1a hash.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(_ input: [UInt8]) {
        state = input.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return mixed ^ mixed >> 31
    }
}

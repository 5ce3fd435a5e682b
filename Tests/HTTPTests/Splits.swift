/// A seeded generator (SplitMix64): the same seed gives the same splits again.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

extension [UInt8] {
    /// In two pieces, at every place.
    var everySplitInTwo: [[[UInt8]]] { (0...count).map { [[UInt8](self[..<$0]), [UInt8](self[$0...])] } }

    var singleBytes: [[UInt8]] { map { [$0] } }

    func randomPieces(_ generator: inout SeededGenerator) -> [[UInt8]] {
        let lengthMax = Int.random(in: 1...64, using: &generator)
        var pieces: [[UInt8]] = []
        var start = 0
        while start < count {
            // Empty pieces too: a read may have nothing for us.
            let end = Swift.min(count, start + Int.random(in: 0...lengthMax, using: &generator))
            pieces.append([UInt8](self[start..<end]))
            start = end
        }
        return pieces
    }
}

import EventLoop
import Testing

@Suite struct BufferedRandomTests {
    /// Of 2¹⁶ numbers two are alike once in 2³³ runs; a buffer given out twice would make many so.
    @Test func `no number comes twice, in one generator or in two`() {
        var (first, second) = (BufferedRandom(), BufferedRandom())
        var seen: Set<UInt64> = []
        for _ in 0..<32_768 {
            seen.insert(first.next())
            seen.insert(second.next())
        }
        #expect(seen.count == 65_536)
    }

    @Test func `every bit is set about as often as not`() {
        var random = BufferedRandom()
        var counts = [Int](repeating: 0, count: 64)
        let count = 4096
        for _ in 0..<count {
            let number = random.next()
            for bit in 0..<64 where number >> UInt64(bit) & 1 == 1 { counts[bit] += 1 }
        }
        // 2048 ± 8 standard deviations.
        #expect(counts.allSatisfy { (1792...2304).contains($0) })
    }
}

import Sessions
import Testing

@Suite struct EpochTests {
    private struct Constant: RandomNumberGenerator {
        let value: UInt64
        mutating func next() -> UInt64 { value }
    }

    @Test(arguments: [(0, "0000000000000"), (35, "000000000000z"), (UInt64.max, "3w5e11264sgsf")] as [(UInt64, String)])
    func `a random epoch is 64 bits in 13 digits of base 36`(_ bits: UInt64, _ text: String) {
        var generator = Constant(value: bits)
        #expect(Epoch.random(using: &generator).description == text)
    }

    @Test func `random epochs differ and read back`() throws {
        var generator = SeededGenerator(seed: 7)
        let epochs = (0..<1_000).map { _ in Epoch.random(using: &generator) }
        #expect(Set(epochs).count == 1_000)
        for epoch in epochs { #expect(try Epoch(parsing: epoch.description) == epoch) }
    }

    @Test(arguments: ["", "123456789012", "123456789012345678901234567", "123456789012A", "123456789012-", "12345678901é"])
    func `fewer than 13, more than 26 or other characters are refused`(_ text: String) {
        #expect(throws: EventIDError.malformedEpoch) { try Epoch(parsing: text) }
    }

    @Test func `26 characters are the most`() throws {
        _ = try Epoch(parsing: String(repeating: "z", count: 26))
    }
}

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

    /// Its characters are kept by words: around the ends of those.
    @Test(arguments: 13...26)
    func `an epoch of any length is what was read, and differs from any other`(_ length: Int) throws {
        let text = String("0123456789abcdefghijklmnopqrstuvwxyz".suffix(length))
        let epoch = try Epoch(parsing: text)
        #expect(epoch.description == text && epoch.encodedLength == length)
        #expect(EventID(epoch: epoch, sequence: 7).description == "\(text)-7")
        for index in text.indices where text[index] != "0" {
            let other = try Epoch(parsing: text.replacingCharacters(at: index, with: "0"))
            #expect(other != epoch)
        }
        if length > 13 { #expect(try Epoch(parsing: String(text.dropLast())) != epoch) }
        for room in 0...8 {
            let written = ByteWriter.compose(length + room) { writer in
                epoch.write(to: &writer)
                for _ in 0..<room { writer.write(UInt8(ascii: ".")) }
            }
            #expect(String(decoding: written, as: UTF8.self) == text + String(repeating: ".", count: room))
        }
    }
}

extension String {
    fileprivate func replacingCharacters(at index: Index, with character: Character) -> String {
        String(self[..<index]) + String(character) + String(self[self.index(after: index)...])
    }
}

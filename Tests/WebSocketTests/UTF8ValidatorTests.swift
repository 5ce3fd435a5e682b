import Testing
import WebSocket

@Suite("UTF-8 (RFC 6455 §8.1, RFC 3629)")
struct UTF8ValidatorTests {
    private static let valid = [
        "", "00", "7F", "C2 80", "DF BF", "E0 A0 80", "ED 9F BF", "EE 80 80", "EF BF BD", "EF BF BE", "EF BF BF",
        "F0 90 80 80", "F4 8F BF BF",
        "48 65 6C 6C 6F", "CE BA E1 BD B9 CF 83 CE BC CE B5", "F0 9F 98 80 61 E2 82 AC",
    ]

    /// Bytes that end with the first wrong one.
    private static let invalid = [
        // Continuations without a beginning, bytes that begin nothing.
        "80", "BF", "61 80", "C2 80 80", "FE", "FF", "F8", "FC", "F5", "F7",
        // Overlong forms.
        "C0", "C1", "E0 80", "E0 9F", "F0 80", "F0 8F",
        // Surrogates.
        "ED A0", "ED AF", "ED B0", "ED BF",
        // Beyond U+10FFFF.
        "F4 90", "F4 BF",
        // Cut short by something else.
        "C2 41", "C2 C2", "E1 80 41", "E1 41", "F1 80 80 41", "F1 80 C0", "E2 82 E2",
        // After text that is long enough for the fast path.
        String(repeating: "61 ", count: 70) + "80",
    ]

    private func isWhole(_ bytes: [UInt8]) -> Bool {
        var validator = UTF8Validator()
        return validator.feed(bytes.span) && validator.isComplete
    }

    private func verdicts(on bytes: [UInt8], cutAt cut: Int) -> [Bool] {
        var validator = UTF8Validator()
        let first = validator.feed(bytes.span.extracting(..<cut))
        return [first, validator.feed(bytes.span.extracting(cut...))]
    }

    @Test(arguments: valid)
    func `valid text passes however it is split`(text: String) {
        let bytes = hex(text)
        for cut in 0...bytes.count {
            #expect(verdicts(on: bytes, cutAt: cut) == [true, true])
            #expect(isWhole(bytes))
        }
    }

    @Test(arguments: invalid)
    func `invalid text fails at its first wrong byte however it is split`(text: String) {
        let bytes = hex(text)
        for cut in 0..<bytes.count {
            #expect(verdicts(on: bytes, cutAt: cut) == [true, false])
        }
    }

    @Test(arguments: ["C2", "E1", "E1 80", "F1", "F1 80", "F1 80 80", "61 F4 8F BF"])
    func `text that ends inside a character is not complete`(text: String) {
        #expect(verdicts(on: hex(text), cutAt: 0) == [true, true])
        #expect(!isWhole(hex(text)))
    }

    @Test func `a wrong byte is seen at every place of a long text`() {
        for place in 0..<100 {
            var bytes = [UInt8](repeating: 0x61, count: 100)
            bytes[place] = 0xFF
            #expect(verdicts(on: bytes, cutAt: place) == [true, false])
        }
    }

    @Test func `every code point passes and every surrogate fails`() {
        for value: UInt32 in 0...0x10FFFF {
            let scalar = Unicode.Scalar(value)
            let surrogate = [0xED, UInt8(0x80 | value >> 6 & 0x3F), UInt8(0x80 | value & 0x3F)]
            let bytes = scalar.map { Array(UTF8.encode($0)!) } ?? surrogate
            guard isWhole(bytes) == (scalar != nil) else { Issue.record("U+\(String(value, radix: 16))"); return }
        }
    }

    @Test func `random bytes are judged as the standard library judges them`() {
        var generator = SeededGenerator(seed: 6455)
        let ranges: [ClosedRange<UInt8>] = [0...0x7F, 0x80...0xBF, 0xC0...0xFF]
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 1...6, using: &generator)).map { _ in
                UInt8.random(in: ranges.randomElement(using: &generator)!, using: &generator)
            }
            #expect(isWhole(bytes) == (String(validating: bytes, as: UTF8.self) != nil), "\(bytes)")
        }
    }
}

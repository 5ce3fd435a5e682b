import Sessions
import Testing

/// The scanner looks at sixteen bytes at a time; a reader that looks at one says what it should find, to the byte.
@Suite struct JSONAgreementTests {
    /// Texts that are judged differently; the first few are told.
    private struct Disagreements {
        var found: [String] = []

        mutating func judge(_ text: [UInt8]) {
            let (fault, expected) = (Self.fault(text), PlainJSON.fault(of: text))
            guard fault != expected, found.count < 3 else { return }
            found.append("\(text): \(String(describing: fault)), not \(String(describing: expected))")
        }

        mutating func judge(_ text: String) { judge(Array(text.utf8)) }

        private static func fault(_ text: [UInt8]) -> JSONFault? {
            do throws(JSONFault) {
                var scanner = JSONScanner()
                _ = try scanner.document(text.span)
                return nil
            } catch { return error }
        }
    }

    /// What ends a run of plain text or of digits, begins something, or comes close to it.
    private static let special =
        Array("\"\\{}[]:,-+.eEtfnuINxX0189/ \t\n\r".utf8)
        + [0x00, 0x1F, 0x21, 0x23, 0x5B, 0x5D, 0x7F, 0x80, 0xBF, 0xC2, 0xE2, 0xED, 0xF4, 0xFF]

    private static let documents = [
        "\"\"", "\"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNO\"", "123456789012345678901234567890123456789", "-0.5e-10",
        "-1234567890123456.1234567890123456e+1234567890123456", "[true,false,null]", "{\"a\":1}",
        "{\"type\":\"candle\",\"data\":{\"open\":1.25,\"n\":[1,-2,0],\"ok\":true,\"text\":\"a\\\"b\\u00e9\"},\"timestamp\":\"2026\"}",
        " { \"a long key of more than sixteen bytes\" : [ ] , \"b\" : { } , \"c\" : \"\u{e9}\u{20ac}\u{1d11e}\" } ",
    ]

    @Test(arguments: documents)
    func `each special byte at each place`(_ document: String) {
        var disagreements = Disagreements()
        let bytes = Array(document.utf8)
        for index in bytes.indices {
            for byte in Self.special {
                var other = bytes
                other[index] = byte
                disagreements.judge(other)
            }
        }
        #expect(disagreements.found == [])
    }

    @Test(arguments: documents)
    func `every length, wherever the text begins`(_ document: String) {
        var disagreements = Disagreements()
        let bytes = Array(document.utf8)
        for padding in 0...17 {
            for count in 0...bytes.count {
                disagreements.judge([UInt8](repeating: UInt8(ascii: " "), count: padding) + bytes.prefix(count))
            }
        }
        #expect(disagreements.found == [])
    }

    /// Every length and place around the blocks of sixteen, with much behind it and with nothing.
    @Test(arguments: ["\"", "[\"", "{\"a\":\""])
    func `strings of every length`(_ front: String) {
        var disagreements = Disagreements()
        for count in 0...50 {
            let text = front + String(repeating: "x", count: count)
            for end in ["", "\"", "\\", "\\n", "\\u00e9", "\u{1}", "\u{e9}", "\u{1d11e}"] {
                for back in ["", "\"", "\"]", "\"}", "\", \"b\": 12345678}", "xyz\"}          "] { disagreements.judge(text + end + back) }
            }
        }
        #expect(disagreements.found == [])
    }

    @Test(arguments: ["1", "-1", "0", "1.5", "[0,1", "7e1"])
    func `numbers of every length`(_ front: String) {
        var disagreements = Disagreements()
        for count in 0...40 {
            let text = front + String(repeating: "7", count: count)
            for end in ["", ".", ".5", "e", "E+5", "x", "0", ".e", ":", "/"] {
                for back in ["", "]", " , 12345678901234567890]"] { disagreements.judge(text + end + back) }
            }
        }
        #expect(disagreements.found == [])
    }

    @Test(arguments: [31, 32, 33, 34] as [UInt64])
    func `damaged documents`(_ seed: UInt64) {
        var disagreements = Disagreements()
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<2_000 {
            var bytes = Array(RandomJSON.value(&generator).encoded.utf8)
            RandomJSON.damage(&bytes, &generator)
            disagreements.judge(bytes)
        }
        #expect(disagreements.found == [], "seed \(seed)")
    }

    @Test(arguments: 63...66)
    func `nesting around its limit`(_ depth: Int) {
        var disagreements = Disagreements()
        for opening in ["[", "{\"a\":", "[{\"b\":[1],\"a\":"] { disagreements.judge(String(repeating: opening, count: depth)) }
        #expect(disagreements.found == [])
    }
}

import Testing

@testable import Sessions

@Suite struct ByteWriterTests {
    @Test func `pieces of every kind stand side by side`() {
        let (bytes, nothing): ([UInt8], [UInt8]) = ([1, 2, 3], [])
        let written = ByteWriter.compose(30) { writer in
            writer.write(UInt8(ascii: "a"))
            writer.write(ascii: "bc")
            writer.write(ascii: "")
            writer.write(copying: bytes.span)
            writer.write(copying: nothing.span)
            writer.write(text: "dé")
            writer.write(decimal: .max)
            writer.write(decimal: 0)
        }
        #expect(written == Array("abc".utf8) + bytes + Array("dé18446744073709551615".utf8) + Array("0".utf8))
    }

    @Test(
        arguments: [(0, 1, "0"), (0, 3, "000"), (7, 2, "07"), (1234, 4, "1234"), (1234, 2, "34"), (999_999, 6, "999999")]
            as [(Int64, Int, String)])
    func `digits are as many as asked for`(value: Int64, count: Int, expected: String) {
        #expect(ByteWriter.compose(count) { $0.write(digits: value, count: count) } == Array(expected.utf8))
    }

    @Test(
        arguments: [(0, 1, "0"), (0xABC, 3, "abc"), (0x1_0F9A, 4, "0f9a"), (.max, 16, "ffffffffffffffff"), (7, 4, "0007"), (1, 0, "")]
            as [(UInt64, Int, String)])
    func `hexadecimal digits are the lowest of a word`(word: UInt64, count: Int, expected: String) {
        #expect(ByteWriter.compose(count) { $0.write(hexadecimal: word, count: count) } == Array(expected.utf8))
    }

    @Test func `of a word as many characters are written as are asked for, whatever room is behind them`() {
        let word = "abcdefgh".utf8.reversed().reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
        for count in 0...8 {
            for room in 0...9 {
                let written = ByteWriter.compose(count + room) { writer in
                    writer.write(characters: word, count: count)
                    for _ in 0..<room { writer.write(UInt8(ascii: ".")) }
                }
                #expect(String(decoding: written, as: UTF8.self) == "abcdefgh".prefix(count) + String(repeating: ".", count: room))
            }
        }
    }

    @Test(arguments: [0, 1, 14, 15, 16, 17, 100])
    func `a text has the bytes that were written`(count: Int) {
        let text = ByteWriter.text(count) { writer in for index in 0..<count { writer.write(UInt8(ascii: "a") + UInt8(index % 26)) } }
        #expect(text.utf8.count == count && text.utf8.enumerated().allSatisfy { $0.element == UInt8(ascii: "a") + UInt8($0.offset % 26) })
    }

    @Test func `what is written behind an array is no more than was said, and may be less`() {
        var bytes: [UInt8] = [1]
        ByteWriter.append(atMost: 100, to: &bytes) { $0.write(ascii: "ab") }
        ByteWriter.append(atMost: 3, to: &bytes) { $0.write(ascii: "cde") }
        ByteWriter.append(atMost: 0, to: &bytes) { _ in }
        #expect(bytes == [1] + Array("abcde".utf8))
    }

    @Test(arguments: [0, 1, 9, 10, 99, 100, 12_345, UInt64(Int64.max), .max] as [UInt64])
    func `a decimal takes the bytes that were announced`(value: UInt64) {
        #expect(ByteWriter.compose(ASCII.decimalDigits(value)) { $0.write(decimal: value) } == Array("\(value)".utf8))
    }

    @Test func `a decimal of every length is written as text writes it`() {
        var power: UInt64 = 1
        while true {
            for value in [power - 1, power, power + 1, power &* 7 + 3] {
                #expect(ASCII.decimalDigits(value) == "\(value)".utf8.count)
                #expect(ByteWriter.compose(ASCII.decimalDigits(value)) { $0.write(decimal: value) } == Array("\(value)".utf8))
            }
            let (next, overflow) = power.multipliedReportingOverflow(by: 10)
            if overflow { return }
            power = next
        }
    }

    @Test func `digits of pairs are those of each number`() {
        for first in 0..<100 as Range<UInt64> {
            for last in [0, 9, 10, 99, first] as [UInt64] {
                let digits = ASCII.digits(ofPairs: first | last << 16 | first << 32 | last << 48)
                let text = String(decoding: (0..<8).map { UInt8(truncatingIfNeeded: digits >> ($0 * 8)) }, as: UTF8.self)
                #expect(text == [first, last, first, last].map { $0 < 10 ? "0\($0)" : "\($0)" }.joined())
            }
        }
    }

    @Test func `a word is written from its lowest byte, where there is room`() async {
        #expect(ByteWriter.compose(8) { $0.write(word: 0x0807_0605_0403_0201 as UInt64) } == [1, 2, 3, 4, 5, 6, 7, 8])
        #expect(ByteWriter.compose(2) { $0.write(word: 0x0201 as UInt16) } == [1, 2])
        await #expect(processExitsWith: .failure) { _ = ByteWriter.compose(7) { $0.write(word: 0 as UInt64) } }
    }

    @Test func `the end of an array is written over, and nothing before it`() async {
        var bytes: [UInt8] = [1, 2, 3, 4]
        ByteWriter.overwrite(last: 2, of: &bytes) { $0.write(ascii: "ab") }
        #expect(bytes == [1, 2, 97, 98])
        await #expect(processExitsWith: .failure) {
            var bytes: [UInt8] = [1]
            ByteWriter.overwrite(last: 2, of: &bytes) { $0.write(ascii: "ab") }
        }
    }

    @Test func `what is composed stands behind what was there`() {
        var bytes: [UInt8] = [1, 2]
        ByteWriter.append(2, to: &bytes) { $0.write(ascii: "ab") }
        ByteWriter.append(0, to: &bytes) { _ in }
        #expect(bytes == [1, 2, 97, 98])
    }

    @Test func `nothing is nothing`() { #expect(ByteWriter.compose(0) { _ in } == []) }

    @Test func `more or fewer bytes than announced are ours to avoid`() async {
        await #expect(processExitsWith: .failure) { _ = ByteWriter.compose(2) { $0.write(1) } }
        await #expect(processExitsWith: .failure) { _ = ByteWriter.compose(2) { $0.write(ascii: "abc") } }
        await #expect(processExitsWith: .failure) {
            let three: [UInt8] = [1, 2, 3]
            _ = ByteWriter.compose(2) { $0.write(copying: three.span) }
        }
        await #expect(processExitsWith: .failure) { _ = ByteWriter.compose(2) { $0.write(decimal: 100) } }
        await #expect(processExitsWith: .failure) {
            _ = ByteWriter.compose(1) {
                $0.write(1)
                $0.write(2)
            }
        }
    }
}

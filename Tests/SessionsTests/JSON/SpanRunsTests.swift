import Testing

@testable import Sessions

@Suite struct SpanRunsTests {
    private enum Kind: CaseIterable {
        case plainText, digits

        func end(_ bytes: [UInt8], from start: Int) -> Int {
            switch self {
            case .plainText: bytes.span.end(of: PlainText.self, from: start)
            case .digits: bytes.span.end(of: Digits.self, from: start)
            }
        }

        func has(_ byte: UInt8) -> Bool {
            switch self {
            case .plainText: byte >= 0x20 && byte < 0x80 && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
            case .digits: byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
            }
        }

        func plainEnd(_ bytes: [UInt8], from start: Int) -> Int { bytes[start...].firstIndex { !has($0) } ?? bytes.count }
    }

    @Test(arguments: Kind.allCases)
    private func `each byte ends a run or does not, in a block and in what is left behind the last`(_ kind: Kind) {
        var wrong: [(byte: UInt8, position: Int)] = []
        for byte in UInt8.min...UInt8.max {
            for position in 3..<40 {
                var bytes = [UInt8](repeating: UInt8(ascii: "7"), count: 40)
                bytes[position] = byte
                if kind.end(bytes, from: 3) != kind.plainEnd(bytes, from: 3) { wrong.append((byte, position)) }
            }
        }
        #expect(wrong.isEmpty)
    }

    @Test(arguments: Kind.allCases)
    private func `a run ends at its end, however long the text and wherever it begins`(_ kind: Kind) {
        var wrong: [(count: Int, start: Int, end: Int)] = []
        for count in 0...50 {
            for start in 0...count {
                for end in 0...count {
                    var bytes = [UInt8](repeating: UInt8(ascii: "0"), count: count)
                    if end < count { bytes[end] = UInt8(ascii: "\"") }
                    if kind.end(bytes, from: start) != (end < start ? count : end) { wrong.append((count, start, end)) }
                }
            }
        }
        #expect(wrong.isEmpty)
    }

    @Test(arguments: Kind.allCases)
    private func `the first of several ends counts`(_ kind: Kind) {
        var generator = SeededGenerator(seed: 41)
        for _ in 0..<3_000 {
            let bytes = (0..<Int.random(in: 0...70, using: &generator)).map { _ in
                UInt8.random(in: 0...19, using: &generator) == 0 ? UInt8.random(in: 0...255, using: &generator) : UInt8(ascii: "5")
            }
            let start = Int.random(in: 0...bytes.count, using: &generator)
            #expect(kind.end(bytes, from: start) == kind.plainEnd(bytes, from: start), "\(bytes) from \(start)")
        }
    }

    @Test func `a run that begins outside of its text is ours to avoid`() async {
        await #expect(processExitsWith: .failure) { _ = [UInt8](repeating: 0x30, count: 40).span.end(of: Digits.self, from: -1) }
    }
}

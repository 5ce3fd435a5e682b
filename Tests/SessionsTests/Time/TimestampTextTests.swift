import Testing

@testable import Sessions

@Suite("A timestamp as it is written")
struct TimestampTextTests {
    private func written(_ text: TimestampText) -> String {
        String(decoding: ByteWriter.compose(Timestamp.iso8601Bytes) { text.write(to: &$0) }, as: UTF8.self)
    }

    @Test func `of times in any order each is written as if it were the only one`() {
        var random = SeededGenerator(seed: 7)
        var texts = TimestampTexts()
        let ends: [Int64] = [.min, -1, 0, 999_999, 1_000_000, 253_402_300_799_999_999, 253_402_300_800_000_000, .max]
        var time: Int64 = 1_773_570_600_000_000
        for step in 0..<20_000 {
            switch step % 8 {
            case 0: time = ends.randomElement(using: &random) ?? 0
            case 1: time = Int64.random(in: 0..<253_402_300_800_000_000, using: &random)
            // Around the edges of its second.
            case 2: time = time &- time % 1_000_000 &+ Int64.random(in: -1...1, using: &random)
            default: time = time &+ Int64.random(in: -400_000...400_000, using: &random)
            }
            let timestamp = Timestamp(microsecondsSince1970: time)
            #expect(texts.text(of: timestamp) == TimestampText(timestamp), "\(time)")
            #expect(written(texts.text(of: timestamp)) == timestamp.iso8601)
        }
    }
}

import Sessions
import Testing

@Suite struct TimestampTests {
    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00.000000Z"), (-1, "1969-12-31T23:59:59.999999Z"), (1_773_570_600_123_456, "2026-03-15T10:30:00.123456Z"),
            (951_782_400_000_000, "2000-02-29T00:00:00.000000Z"), (4_107_542_400_000_000, "2100-03-01T00:00:00.000000Z"),
            (-62_135_596_800_000_000, "0001-01-01T00:00:00.000000Z"), (253_402_300_799_999_999, "9999-12-31T23:59:59.999999Z"),
        ] as [(Int64, String)])
    func `a moment is written with six digits and Z, and reads back`(_ microseconds: Int64, _ text: String) {
        let timestamp = Timestamp(microsecondsSince1970: microseconds)
        #expect(timestamp.iso8601 == text)
        #expect(Timestamp.parse(text) == timestamp)
    }

    @Test(
        arguments: [
            (Int64.min, "0001-01-01T00:00:00.000000Z"), (Int64.max, "9999-12-31T23:59:59.999999Z"),
            (-62_135_596_800_000_001, "0001-01-01T00:00:00.000000Z"),
            (253_402_300_800_000_000, "9999-12-31T23:59:59.999999Z"),
        ] as [(Int64, String)])
    func `years without four digits are written as the nearest that has them`(_ microseconds: Int64, _ text: String) {
        #expect(Timestamp(microsecondsSince1970: microseconds).iso8601 == text)
    }

    @Test(
        arguments: [
            ("2026-03-15T10:30:00", 0), ("2026-03-15T10:30:00Z", 0), ("2026-03-15T10:30:00.5", 500_000),
            ("2026-03-15T10:30:00.123456", 123_456),
            ("2026-03-15T10:30:00.123456789Z", 123_456), ("2026-03-15T10:30:00.000001+00:00", 1), ("2026-03-15T12:30:00+02:00", 0),
            ("2026-03-15T05:00:00-05:30", 0), ("2026-03-15T10:29:60Z", 0), ("2026-03-16T10:29:00+23:59", 0),
        ] as [(String, Int64)])
    func `every way engines write a time is read`(_ text: String, _ microseconds: Int64) {
        #expect(Timestamp.parse(text)?.microsecondsSince1970 == 1_773_570_600_000_000 + microseconds)
    }

    @Test(arguments: [
        "", "2026", "2026-03-15", "2026-03-15T", "2026-03-15T10:30", "2026-03-15 10:30:00", "2026-02-29T00:00:00", "1900-02-29T00:00:00",
        "2026-13-01T00:00:00",
        "2026-00-01T00:00:00", "2026-01-00T00:00:00", "2026-04-31T00:00:00", "0000-01-01T00:00:00", "2026-03-15T24:00:00",
        "2026-03-15T10:60:00",
        "2026-03-15T10:30:61", "2026-03-15T10:30:00.", "2026-03-15T10:30:00.1234567890", "2026-03-15T10:30:00+0200",
        "2026-03-15T10:30:00+24:00",
        "2026-03-15T10:30:00+02:60", "2026-03-15T10:30:00ZZ", "2026-03-15T10:30:00z", "+026-03-15T10:30:00", "2026-03-15T10:30:0é",
        " 2026-03-15T10:30:00",
    ])
    func `anything else is no time`(_ text: String) {
        #expect(Timestamp.parse(text) == nil)
    }

    @Test func `every day from 0001 to 9999 is written as the day after the last`() {
        var (year, month, day) = (1, 1, 1)
        let lengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        var mismatches = 0
        for dayNumber in -719_162...2_932_896 {
            // Every 7th day is written out; all are counted.
            if dayNumber % 7 == 0 {
                let timestamp = Timestamp(microsecondsSince1970: Int64(dayNumber) * 86_400_000_000 + 43_200_000_000)
                var bytes: [UInt8] = []
                timestamp.append(to: &bytes)
                let written = (number(bytes, 0, 4), number(bytes, 5, 2), number(bytes, 8, 2))
                if written != (year, month, day) || Timestamp.parse(bytes.span) != timestamp { mismatches += 1 }
            }
            let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
            day += 1
            if day > lengths[month - 1] + (month == 2 && isLeap ? 1 : 0) { (month, day) = (month + 1, 1) }
            if month > 12 { (year, month) = (year + 1, 1) }
        }
        #expect(mismatches == 0)
    }

    @Test func `every microsecond and second of a day has its digits`() {
        var generator = SeededGenerator(seed: 5)
        for _ in 0..<5_000 {
            let (second, microsecond) = (
                Int64.random(in: 0..<86_400, using: &generator), Int64.random(in: 0..<1_000_000, using: &generator)
            )
            let expected = [(second / 3_600, 2), (second / 60 % 60, 2), (second % 60, 2), (microsecond, 6)].map { number, digits in
                String(repeating: "0", count: digits - "\(number)".utf8.count) + "\(number)"
            }
            let time = Timestamp(microsecondsSince1970: second * 1_000_000 + microsecond).iso8601
            #expect(time == "1970-01-01T\(expected[0]):\(expected[1]):\(expected[2]).\(expected[3])Z")
        }
    }

    @Test func `any bytes are read or refused without a trap`() {
        var generator = SeededGenerator(seed: 3)
        for _ in 0..<20_000 {
            var bytes = Array("2026-03-15T10:30:00.123456+02:00".utf8)
            RandomJSON.damage(&bytes, &generator)
            _ = Timestamp.parse(bytes.span)?.iso8601
        }
    }

    private func number(_ bytes: [UInt8], _ start: Int, _ count: Int) -> Int {
        bytes[start..<(start + count)].reduce(0) { $0 * 10 + Int($1) - 48 }
    }
}

extension Timestamp {
    /// The length of every timestamp the gateway writes, in bytes.
    package static let iso8601Bytes = 27

    /// `2026-03-15T10:30:00.123456Z`: always six digits and Z. Moments outside the years 0001 to 9999 are written as
    /// the nearest moment inside them, since ISO 8601 has no four digits for them.
    public var iso8601: String {
        var bytes: [UInt8] = []
        append(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Appends ``iso8601``, 27 bytes.
    public func append(to bytes: inout [UInt8]) {
        bytes.append(ascii: "0000-00-00T00:00:00.000000Z")
        ByteWriter.overwrite(last: Self.iso8601Bytes, of: &bytes) { write(to: &$0) }
    }

    /// Writes ``iso8601``, 27 bytes.
    package func write(to writer: inout ByteWriter) {
        let clamped = min(max(microsecondsSince1970, Self.writtenMin), Self.writtenMax)
        // Counted from 0001-01-01 nothing is negative, and division rounds the way the calendar does.
        let sinceFirst = UInt64(clamped - Self.writtenMin)
        let date = CivilDate(daysSince1970: Int64(sinceFirst / Self.microsecondsPerDay) + Self.firstDay)
        let time = sinceFirst % Self.microsecondsPerDay
        let (seconds, microseconds) = (time / 1_000_000, time % 1_000_000)
        let (year, month, day) = (UInt64(bitPattern: date.year), UInt64(bitPattern: date.month), UInt64(bitPattern: date.day))

        let days = ASCII.digits(ofPairs: year / 100 | (year % 100) << 16 | month << 32 | day << 48)
        let times = ASCII.digits(
            ofPairs: seconds / 3_600 | (seconds / 60 % 60) << 16 | (seconds % 60) << 32 | (microseconds / 10_000) << 48)
        let rest = ASCII.digits(ofPairs: microseconds / 100 % 100 | (microseconds % 100) << 16)
        // Eight bytes at a time: 2026-03- 15T10:30 :00.1234 56Z.
        writer.write(word: days & 0xFFFF_FFFF | Self.byte("-", 4) | (days >> 32 & 0xFFFF) << 40 | Self.byte("-", 7))
        writer.write(
            word: days >> 48 | Self.byte("T", 2) | (times & 0xFFFF) << 24 | Self.byte(":", 5) | (times >> 16 & 0xFFFF) << 48)
        writer.write(
            word: Self.byte(":", 0) | (times >> 32 & 0xFFFF) << 8 | Self.byte(".", 3) | (times >> 48) << 32 | (rest & 0xFFFF) << 48)
        writer.write(word: UInt16(truncatingIfNeeded: rest >> 16))
        writer.write(UInt8(ascii: "Z"))
    }

    /// The character as byte `index` of a word.
    private static func byte(_ character: Unicode.Scalar, _ index: UInt64) -> UInt64 { UInt64(UInt8(ascii: character)) << (index * 8) }

    private static let microsecondsPerDay: UInt64 = 86_400_000_000
    private static let firstDay: Int64 = -719_162  // 0001-01-01
    private static let writtenMin = firstDay * Int64(microsecondsPerDay)
    private static let writtenMax: Int64 = 2_932_897 * Int64(microsecondsPerDay) - 1  // the microsecond before 10000-01-01
}

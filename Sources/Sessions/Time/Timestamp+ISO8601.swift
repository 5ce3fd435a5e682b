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
        let sinceFirst = clamped - Self.writtenMin
        let date = CivilDate(daysSince1970: sinceFirst / Self.microsecondsPerDay + Self.firstDay)
        let time = sinceFirst % Self.microsecondsPerDay
        let seconds = time / 1_000_000

        writer.write(digits: date.year, count: 4)
        writer.write(UInt8(ascii: "-"))
        writer.write(digits: date.month, count: 2)
        writer.write(UInt8(ascii: "-"))
        writer.write(digits: date.day, count: 2)
        writer.write(UInt8(ascii: "T"))
        writer.write(digits: seconds / 3_600, count: 2)
        writer.write(UInt8(ascii: ":"))
        writer.write(digits: seconds / 60 % 60, count: 2)
        writer.write(UInt8(ascii: ":"))
        writer.write(digits: seconds % 60, count: 2)
        writer.write(UInt8(ascii: "."))
        writer.write(digits: time % 1_000_000, count: 6)
        writer.write(UInt8(ascii: "Z"))
    }

    private static let microsecondsPerDay: Int64 = 86_400_000_000
    private static let firstDay: Int64 = -719_162  // 0001-01-01
    private static let writtenMin = firstDay * microsecondsPerDay
    private static let writtenMax: Int64 = 2_932_897 * microsecondsPerDay - 1  // the microsecond before 10000-01-01
}

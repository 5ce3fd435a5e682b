/// A timestamp as it is written, ``Timestamp/iso8601Bytes``: eight bytes at a time, the first the lowest. 2026-03- 15T10:30 :00.1234 56Z.
package struct TimestampText: Sendable, Equatable {
    private let date: UInt64
    private let minute: UInt64
    private var second: UInt64
    private var end: UInt32

    package init(_ time: Timestamp) {
        let clamped = min(max(time.microsecondsSince1970, Timestamp.writtenMin), Timestamp.writtenMax)
        // Counted from 0001-01-01 nothing is negative, and division rounds the way the calendar does.
        let sinceFirst = UInt64(clamped - Timestamp.writtenMin)
        let day = CivilDate(daysSince1970: Int64(sinceFirst / Timestamp.microsecondsPerDay) + Timestamp.firstDay)
        let time = sinceFirst % Timestamp.microsecondsPerDay
        let (seconds, microseconds) = (time / 1_000_000, time % 1_000_000)
        let (year, month, dayOfMonth) = (UInt64(bitPattern: day.year), UInt64(bitPattern: day.month), UInt64(bitPattern: day.day))

        let days = ASCII.digits(ofPairs: year / 100 | (year % 100) << 16 | month << 32 | dayOfMonth << 48)
        let times = ASCII.digits(ofPairs: seconds / 3_600 | (seconds / 60 % 60) << 16 | (seconds % 60) << 32)
        date = days & 0xFFFF_FFFF | Self.byte("-", 4) | (days >> 32 & 0xFFFF) << 40 | Self.byte("-", 7)
        minute = days >> 48 | Self.byte("T", 2) | (times & 0xFFFF) << 24 | Self.byte(":", 5) | (times >> 16 & 0xFFFF) << 48
        second = Self.byte(":", 0) | (times >> 32 & 0xFFFF) << 8 | Self.byte(".", 3)
        end = 0
        set(microseconds: microseconds)
    }

    /// The same second's.
    fileprivate mutating func set(microseconds: UInt64) {
        let digits = ASCII.digits(ofPairs: microseconds / 10_000 | (microseconds / 100 % 100) << 16 | (microseconds % 100) << 32)
        second = second & 0xFFFF_FFFF | digits << 32
        end = UInt32(truncatingIfNeeded: digits >> 32 & 0xFFFF) | UInt32(UInt8(ascii: "Z")) << 16
    }

    package func write(to writer: inout ByteWriter) {
        writer.write(word: date)
        writer.write(word: minute)
        writer.write(word: second)
        writer.write(word: UInt16(truncatingIfNeeded: end))
        writer.write(UInt8(truncatingIfNeeded: end >> 16))
    }

    /// The character as byte `index` of a word.
    private static func byte(_ character: Unicode.Scalar, _ index: UInt64) -> UInt64 { UInt64(UInt8(ascii: character)) << (index * 8) }
}

/// Timestamps to be written, of which most are of the second that the one before was of: its date and time are worked out once.
package struct TimestampTexts: Sendable {
    /// When the text's second begins.
    private var begin: Int64
    private var text: TimestampText

    package init() {
        begin = 0
        text = TimestampText(Timestamp(microsecondsSince1970: 0))
    }

    package mutating func text(of time: Timestamp) -> TimestampText {
        let microseconds = UInt64(bitPattern: time.microsecondsSince1970 &- begin)
        if microseconds < 1_000_000 {
            text.set(microseconds: microseconds)
            return text
        }
        let other = TimestampText(time)
        // Before 1970, and beyond what can be written, there is nothing to gain.
        if time.microsecondsSince1970 >= 0, time.microsecondsSince1970 <= Timestamp.writtenMax {
            begin = time.microsecondsSince1970 - time.microsecondsSince1970 % 1_000_000
            text = other
        }
        return other
    }
}

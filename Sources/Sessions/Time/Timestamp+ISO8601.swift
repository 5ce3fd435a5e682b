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
    package func write(to writer: inout ByteWriter) { TimestampText(self).write(to: &writer) }

    static let microsecondsPerDay: UInt64 = 86_400_000_000
    static let firstDay: Int64 = -719_162  // 0001-01-01
    static let writtenMin = firstDay * Int64(microsecondsPerDay)
    static let writtenMax: Int64 = 2_932_897 * Int64(microsecondsPerDay) - 1  // the microsecond before 10000-01-01
}

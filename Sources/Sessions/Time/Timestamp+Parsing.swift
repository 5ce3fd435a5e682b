extension Timestamp {
    /// Reads ISO 8601 as engines write it: `2026-03-15T10:30:00`, with or without a fraction of 1 to 9 digits, then
    /// `Z`, an offset `±hh:mm`, or nothing, which means UTC (Python's `utcnow().isoformat()`).
    ///
    /// Digits beyond microseconds are dropped. A leap second (`:60`, RFC 3339 §5.7) is the first second of the next minute.
    /// - Returns: nil when `text` is not such a time, or names a day that does not exist.
    public static func parse(_ text: Span<UInt8>) -> Timestamp? {
        var reader = ISO8601Reader()
        return reader.read(text)
    }

    /// As ``parse(_:)-(Span<UInt8>)``.
    public static func parse(_ text: String) -> Timestamp? {
        parse(text.utf8.span)
    }
}

/// A cursor over one ISO 8601 text; every part returns nil at the first byte that does not fit.
private struct ISO8601Reader {
    private var position = 0

    mutating func read(_ text: Span<UInt8>) -> Timestamp? {
        guard let days = date(text), take("T", text), let seconds = time(text),
            let microseconds = fraction(text), let offset = offset(text), position == text.count
        else { return nil }
        return Timestamp(microsecondsSince1970: (days * 86_400 + seconds - offset) * 1_000_000 + microseconds)
    }

    private mutating func date(_ text: Span<UInt8>) -> Int64? {
        guard let year = digits(4, text), take("-", text), let month = digits(2, text), take("-", text), let day = digits(2, text)
        else { return nil }
        let date = CivilDate(year: year, month: month, day: day)
        return date.exists ? date.daysSince1970 : nil
    }

    private mutating func time(_ text: Span<UInt8>) -> Int64? {
        guard let hour = digits(2, text), hour < 24, take(":", text), let minute = digits(2, text), minute < 60,
            take(":", text), let second = digits(2, text), second <= 60
        else { return nil }
        return hour * 3_600 + minute * 60 + second
    }

    private mutating func fraction(_ text: Span<UInt8>) -> Int64? {
        guard take(".", text) else { return 0 }
        var microseconds: Int64 = 0
        var count = 0
        while let digit = digits(1, text) {
            count += 1
            if count > 9 { return nil }
            if count <= 6 { microseconds = microseconds * 10 + digit }
        }
        if count == 0 { return nil }
        while count < 6 {
            microseconds *= 10
            count += 1
        }
        return microseconds
    }

    /// Seconds east of UTC.
    private mutating func offset(_ text: Span<UInt8>) -> Int64? {
        if position == text.count || take("Z", text) { return 0 }
        let sign: Int64
        if take("+", text) { sign = 1 } else if take("-", text) { sign = -1 } else { return nil }
        guard let hours = digits(2, text), hours < 24, take(":", text), let minutes = digits(2, text), minutes < 60 else { return nil }
        return sign * (hours * 3_600 + minutes * 60)
    }

    private mutating func take(_ character: Unicode.Scalar, _ text: Span<UInt8>) -> Bool {
        guard position < text.count, text[position] == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    /// Exactly `count` digits; leaves the position alone when they are not there.
    private mutating func digits(_ count: Int, _ text: Span<UInt8>) -> Int64? {
        guard text.count - position >= count else { return nil }
        var value: Int64 = 0
        for index in position..<(position + count) {
            let byte = text[index]
            guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
            value = value * 10 + Int64(byte - UInt8(ascii: "0"))
        }
        position += count
        return value
    }
}

/// Comparing and searching bytes where they lie.
extension Span<UInt8> {
    /// The same bytes, case included.
    package func equals(_ text: StaticString) -> Bool { isEqual(to: text) { $0 } }

    /// The same bytes but for ASCII case, as field names and list tokens are compared (RFC 9110 §5.1). The text is given in small letters.
    package func equalsIgnoringCase(_ lowercasedText: StaticString) -> Bool {
        assert("\(lowercasedText)".utf8.allSatisfy { $0 == $0.lowercased }, "the text is given in small letters")
        return isEqual(to: lowercasedText, Self.lowercased)
    }

    /// Eight bytes at a time, and then the last eight; each word of ours as `folded` makes it.
    @inline(__always)
    private func isEqual(to text: StaticString, _ folded: (UInt64) -> UInt64) -> Bool {
        guard count == text.utf8CodeUnitCount else { return false }
        return unsafe withUnsafeBytes { bytes in
            let text = unsafe UnsafeRawBufferPointer(start: text.utf8Start, count: bytes.count)
            guard bytes.count >= 8 else { return unsafe folded(Self.short(bytes)) == Self.short(text) }
            var index = 0
            while index < bytes.count - 8 {
                guard unsafe folded(Self.word(bytes, at: index)) == Self.word(text, at: index) else { return false }
                index += 8
            }
            return unsafe folded(Self.word(bytes, at: bytes.count - 8)) == Self.word(text, at: bytes.count - 8)
        }
    }

    private static func word(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> UInt64 {
        unsafe bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
    }

    /// All of up to seven bytes, some of them twice, in a word.
    @inline(__always)
    private static func short(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        let last = bytes.count - 1
        guard last < 3 else {
            let first = unsafe bytes.loadUnaligned(fromByteOffset: 0, as: UInt32.self)
            return unsafe UInt64(first) << 32 | UInt64(bytes.loadUnaligned(fromByteOffset: last - 3, as: UInt32.self))
        }
        return last < 0 ? 0 : unsafe UInt64(bytes[0]) << 16 | UInt64(bytes[(last + 1) / 2]) << 8 | UInt64(bytes[last])
    }

    /// Eight bytes with their ASCII capitals made small. No sum leaves its byte, since their highest bits are put aside.
    private static func lowercased(_ word: UInt64) -> UInt64 {
        let (ones, high) = (0x0101_0101_0101_0101 as UInt64, 0x8080_8080_8080_8080 as UInt64)
        let low = word & ~high
        let fromA = low &+ ones &* UInt64(0x80 - UInt8(ascii: "A"))
        let behindZ = low &+ ones &* UInt64(0x7F - UInt8(ascii: "Z"))
        return word | (fromA & ~behindZ & ~word & high) >> 2
    }

    func firstIndex(of byte: UInt8, from start: Int = 0) -> Int? {
        var index = start
        while index < count {
            if self[index] == byte { return index }
            index += 1
        }
        return nil
    }

    func allSatisfy(_ isAllowed: (UInt8) -> Bool) -> Bool {
        for index in indices where !isAllowed(self[index]) { return false }
        return true
    }

    /// `range` without the optional whitespace at its ends.
    @inline(__always)
    func trimmingWhitespace(_ range: Range<Int>) -> Range<Int> {
        var (start, end) = (range.lowerBound, range.upperBound)
        while start < end, self[start].isWhitespace { start += 1 }
        while end > start, self[end - 1].isWhitespace { end -= 1 }
        return start..<end
    }
}

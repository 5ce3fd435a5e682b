/// Comparing and searching bytes where they lie.
extension Span<UInt8> {
    /// The same bytes, case included.
    package func equals(_ text: StaticString) -> Bool {
        guard count == text.utf8CodeUnitCount else { return false }
        return text.withUTF8Buffer { text in
            for index in indices where self[index] != (unsafe text[index]) { return false }
            return true
        }
    }

    /// The same bytes but for ASCII case, as field names and list tokens are compared (RFC 9110 §5.1).
    package func equalsIgnoringCase(_ text: StaticString) -> Bool {
        guard count == text.utf8CodeUnitCount else { return false }
        return unsafe withUnsafeBytes { bytes in
            text.withUTF8Buffer { text in
                let text = UnsafeRawBufferPointer(text)
                guard count >= 8 else {
                    guard count < 4 else { return unsafe Self.lowercased(Self.ends(bytes)) == Self.lowercased(Self.ends(text)) }
                    for index in 0..<count where unsafe bytes[index].lowercased != text[index].lowercased { return false }
                    return true
                }
                // Eight at a time, and then the last eight.
                var index = 0
                while index < count - 8 {
                    guard unsafe Self.isEqualIgnoringCase(bytes, text, at: index) else { return false }
                    index += 8
                }
                return unsafe Self.isEqualIgnoringCase(bytes, text, at: count - 8)
            }
        }
    }

    /// The first four bytes and the last four of four to seven.
    private static func ends(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        let first = unsafe bytes.loadUnaligned(fromByteOffset: 0, as: UInt32.self)
        let last = unsafe bytes.loadUnaligned(fromByteOffset: bytes.count - 4, as: UInt32.self)
        return UInt64(first) << 32 | UInt64(last)
    }

    private static func isEqualIgnoringCase(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer, at offset: Int) -> Bool {
        let left = unsafe left.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
        let right = unsafe right.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
        return left == right || lowercased(left) == lowercased(right)
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
    func trimmingWhitespace(_ range: Range<Int>) -> Range<Int> {
        var (start, end) = (range.lowerBound, range.upperBound)
        while start < end, self[start].isWhitespace { start += 1 }
        while end > start, self[end - 1].isWhitespace { end -= 1 }
        return start..<end
    }
}

extension Span<UInt8> {
    /// Whether the bytes are those of `text`.
    func isEqual(toText text: String) -> Bool {
        let other = text.utf8
        guard other.count == count else { return false }
        let bytes = other.span
        return unsafe bytes.withUnsafeBytes { unsafe isEqual(to: $0) }
    }

    /// Whether the bytes are those of `text`. Inlined, so that a literal is a number or two to compare with.
    @inline(__always)
    func isEqual(to text: StaticString) -> Bool {
        guard text.utf8CodeUnitCount == count else { return false }
        return unsafe isEqual(to: UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// Whether the bytes are those of `other`, which has as many. Eight at a time, and the last eight once more in part.
    @inline(__always)
    private func isEqual(to other: UnsafeRawBufferPointer) -> Bool {
        let count = other.count
        if count >= 8 {
            var index = 0
            while index < count - 8 {
                guard unsafe word(UInt64.self, at: index) == other.loadUnaligned(fromByteOffset: index, as: UInt64.self) else {
                    return false
                }
                index += 8
            }
            return unsafe word(UInt64.self, at: count - 8) == other.loadUnaligned(fromByteOffset: count - 8, as: UInt64.self)
        }
        if count >= 4 {
            return unsafe word(UInt32.self, at: 0) == other.loadUnaligned(fromByteOffset: 0, as: UInt32.self)
                && word(UInt32.self, at: count - 4) == other.loadUnaligned(fromByteOffset: count - 4, as: UInt32.self)
        }
        for index in 0..<count where self[index] != (unsafe other[index]) { return false }
        return true
    }

    /// Checked against the span's bounds; `unsafe` for its type alone.
    @inline(__always)
    private func word<Word: FixedWidthInteger & BitwiseCopyable>(_ type: Word.Type, at offset: Int) -> Word {
        unsafe bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: type)
    }
}

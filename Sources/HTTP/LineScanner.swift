/// Finds the lines of a message head, and refuses the bytes that must not stand in one.
///
/// Bytes are judged in the order in which they arrive and each is looked at once, so the outcome does not depend on how the input is split.
/// Flow: bytes → **LineScanner** → HeadReader
struct LineScanner {
    /// Where the next line starts; after the last line, where the head ends.
    private(set) var lineStart = 0
    /// How far the bytes were judged.
    private(set) var scanned = 0

    /// The next line without its CRLF, or nil when it is not complete. `bytes` starts with the head and grows from call to call.
    ///
    /// A bare LF, and a bare CR, are refused although RFC 9112 §2.2 tolerates the former: what parsers disagree about smuggles requests.
    mutating func next(
        in bytes: Span<UInt8>, lengthMax: Int, tooLong: HTTPViolation
    ) throws(HTTPViolation) -> Range<Int>? {
        // One byte over the limit is enough to know.
        let end = min(bytes.count, lineStart + lengthMax + 1)
        let index = Self.firstControl(in: bytes, from: scanned, to: end)
        scanned = index
        if index - lineStart > lengthMax { throw tooLong }
        if index == bytes.count { return nil }

        switch bytes[index] {
        case .lineFeed: throw .bareLineFeed
        case .carriageReturn:
            guard index + 1 < bytes.count else { return nil }
            guard bytes[index + 1] == .lineFeed else {
                scanned = index + 1
                throw .bareCarriageReturn
            }
            let line = lineStart..<index
            lineStart = index + 2
            scanned = lineStart
            return line
        default: throw .controlByte
        }
    }

    /// `end` where there is none. A tab, unlike the others, may stand in a line.
    @inline(__always)
    private static func firstControl(in bytes: Span<UInt8>, from start: Int, to end: Int) -> Int {
        precondition(start >= 0 && end <= bytes.count, "what is looked through is here")
        // By pointer: a span would check each word again.
        return unsafe bytes.withUnsafeBytes { bytes in
            var index = start
            while index <= end - 8 {
                let word = unsafe UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self))
                let controls = controls(word)
                guard controls != 0 else {
                    index += 8
                    continue
                }
                index += controls.trailingZeroBitCount / 8
                guard unsafe bytes[index] == .tab else { return index }
                index += 1
            }
            while index < end, unsafe !bytes[index].isControl { index += 1 }
            return index
        }
    }

    /// The highest bit of each of eight bytes, in little-endian order, that is below 0x20 or DEL; 0 for most words of a head. What a subtraction
    /// borrows goes to later bytes only: those behind the first that is found may be none.
    private static func controls(_ word: UInt64) -> UInt64 {
        let (ones, high) = (0x0101_0101_0101_0101 as UInt64, 0x8080_8080_8080_8080 as UInt64)
        let delete = word ^ (ones &* 0x7F)
        return ((word &- (ones &* 0x20)) & ~word | (delete &- ones) & ~delete) & high
    }
}

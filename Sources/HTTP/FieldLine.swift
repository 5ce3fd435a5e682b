/// Where the name and the value of one header line lie within their head: four offsets instead of two strings (RFC 9112 §5).
struct FieldLine: Sendable {
    private let nameStart: UInt32
    private let nameEnd: UInt32
    private let valueStart: UInt32
    private let valueEnd: UInt32

    var name: Range<Int> { Int(nameStart)..<Int(nameEnd) }
    var nameCount: Int { Int(nameEnd &- nameStart) }
    var value: Range<Int> { Int(valueStart)..<Int(valueEnd) }

    /// `lowercasedName` is small, as it stands in the source.
    @inline(__always)
    func isNamed(_ lowercasedName: StaticString, in bytes: Span<UInt8>) -> Bool {
        nameCount == lowercasedName.utf8CodeUnitCount && bytes.extracting(name).equalsIgnoringCase(lowercasedName)
    }

    /// `line` is not empty and holds no control bytes: the scanner has seen to both.
    @inline(__always)
    init(_ line: Range<Int>, of bytes: Span<UInt8>) throws(HTTPViolation) {
        // §5.2: a folded line, and white space before the first field (§2.2).
        if bytes[line.lowerBound].isWhitespace { throw .fieldFolded }
        let colon = Self.tokenEnd(line, of: bytes)
        guard colon < line.upperBound, bytes[colon] == .colon else { throw Self.violation(in: line, of: bytes) }
        guard colon > line.lowerBound else { throw .fieldNameMalformed }

        let value = bytes.trimmingWhitespace(colon + 1..<line.upperBound)
        // Cannot trap: HTTPLimits.check keeps heads far below 2^32 bytes.
        nameStart = UInt32(line.lowerBound)
        nameEnd = UInt32(colon)
        valueStart = UInt32(value.lowerBound)
        valueEnd = UInt32(value.upperBound)
    }

    /// For the fields that decide about length and connection. A tab is white space like any other (RFC 9110 §5.6.3), yet not to all: llhttp takes
    /// one behind a value for a part of it, and sees no length in `Content-Length: 5\t`, no end of the connection in `Connection: close\t`.
    func checkHoldsNoTab(in bytes: Span<UInt8>) throws(HTTPViolation) {
        var index = name.upperBound
        while index < bytes.count, bytes[index] != .carriageReturn {
            if bytes[index] == .tab { throw .fieldHoldsTab }
            index += 1
        }
    }

    /// Where the token that the line begins with ends. Names are letters and hyphens, nearly all of them: eight at a time.
    @inline(__always)
    private static func tokenEnd(_ line: Range<Int>, of bytes: Span<UInt8>) -> Int {
        precondition(line.lowerBound >= 0 && line.upperBound <= bytes.count, "a line is within its head")
        // By pointer: a span would check each word again.
        return unsafe bytes.withUnsafeBytes { bytes in
            var index = line.lowerBound
            while index <= line.upperBound - 8 {
                let word = unsafe UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self))
                let others = notLettersOrHyphens(word)
                guard others != 0 else {
                    index += 8
                    continue
                }
                index += others.trailingZeroBitCount / 8
                break
            }
            while index < line.upperBound, unsafe bytes[index].isToken { index += 1 }
            return index
        }
    }

    /// The highest bit of each of eight bytes, in little-endian order, that is no letter and no hyphen. No sum leaves its byte, since their highest
    /// bits are put aside.
    private static func notLettersOrHyphens(_ word: UInt64) -> UInt64 {
        let (ones, high) = (0x0101_0101_0101_0101 as UInt64, 0x8080_8080_8080_8080 as UInt64)
        let small = (word | ones &* 0x20) & ~high
        let fromA = small &+ ones &* UInt64(0x80 - UInt8(ascii: "a"))
        let behindZ = small &+ ones &* UInt64(0x7F - UInt8(ascii: "z"))
        let notHyphen = ((word ^ ones &* UInt64(UInt8(ascii: "-"))) & ~high) &+ ones &* 0x7F
        return (~(fromA & ~behindZ) & notHyphen | word) & high
    }

    /// Why the token did not end at a colon.
    private static func violation(in line: Range<Int>, of bytes: Span<UInt8>) -> HTTPViolation {
        guard let colon = bytes.extracting(line).firstIndex(of: .colon) else { return .fieldColonMissing }
        let name = bytes.trimmingWhitespace(line.lowerBound..<line.lowerBound + colon)
        // §5.1: `Content-Length : 5` was a way around proxies.
        let isTokenThenSpace = bytes.extracting(name).allSatisfy(\.isToken)
        return isTokenThenSpace ? .fieldNameFollowedBySpace : .fieldNameMalformed
    }
}

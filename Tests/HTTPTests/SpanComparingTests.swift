import HTTP
import Testing

@Suite struct SpanComparingTests {
    @Test(arguments: 0...100)
    func `bytes are identical until any one of them is another, wherever they lie`(_ count: Int) {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37) }
        for offset in [0, 1, 7] {
            let moved = [UInt8](repeating: 0xFF, count: offset) + bytes + [0xEE]
            let isSame = bytes.span.isIdentical(to: moved.span.extracting(offset..<offset + count))
            #expect(isSame)
            for index in bytes.indices {
                var other = moved
                other[offset + index] ^= 0x01 << UInt8(index % 8)
                let isSame = bytes.span.isIdentical(to: other.span.extracting(offset..<offset + count))
                #expect(!isSame, "byte \(index) of \(count)")
            }
            let isAsLong = bytes.span.isIdentical(to: moved.span.extracting(offset...))
            #expect(!isAsLong)
        }
    }
}

import Testing

@testable import HTTP

struct ArraySpanTests {
    @Test func `a copy has the bytes of the span, none included`() {
        for count in [0, 1, 15, 4096] {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
            #expect([UInt8](copying: bytes.span) == bytes)
            var grown: [UInt8] = []
            grown.append(copying: bytes.span)
            grown.append(copying: bytes.span)
            #expect(grown == bytes + bytes)
        }
    }
}

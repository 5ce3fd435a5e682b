import HTTP
import Testing

@testable import websocket_gateway

@Suite struct ComparingTests {
    private func areIdentical(_ left: [UInt8], _ right: [UInt8]) -> Bool { left.span.isIdentical(to: right.span) }

    @Test(arguments: [0, 1, 7, 31, 32, 33, 63, 64, 100])
    func `bytes are identical until any one of them is another`(_ count: Int) {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37) }
        #expect(areIdentical(bytes, bytes))
        let copy = bytes.span.copied()
        #expect(copy == bytes)
        for index in bytes.indices {
            var other = bytes
            other[index] ^= 0x80
            #expect(!areIdentical(bytes, other))
        }
        #expect(!areIdentical(bytes, bytes + [0]))
        #expect(!areIdentical(bytes + [0], bytes))
    }
}

import Testing

@testable import OpenSSL

@Suite("DER")
struct DERTests {
    @Test(
        arguments: [
            ([0], [2, 1, 0]), ([0, 0, 0], [2, 1, 0]), ([1], [2, 1, 1]), ([0, 0, 0x7F], [2, 1, 0x7F]), ([0x80], [2, 2, 0, 0x80]),
            ([0, 0xFF, 1], [2, 3, 0, 0xFF, 1]), ([], [2, 1, 0]),
        ] as [([UInt8], [UInt8])])
    func `a number has no zero too many and is never negative`(_ bytes: [UInt8], _ expected: [UInt8]) {
        #expect(DER.integer(bytes.span) == expected)
    }

    @Test(
        arguments: [(0, [0]), (127, [127]), (128, [0x81, 128]), (255, [0x81, 255]), (256, [0x82, 1, 0]), (65_536, [0x83, 1, 0, 0])]
            as [(Int, [UInt8])])
    func `a length is as short as it can be`(_ count: Int, _ expected: [UInt8]) {
        let element = DER.element(4, [UInt8](repeating: 9, count: count))
        #expect(Array(element.prefix(1 + expected.count)) == [4] + expected)
        #expect(element.count == 1 + expected.count + count)
    }

    @Test func `elements nest`() {
        #expect(DER.sequence([2, 1, 5], DER.bitString([0xAB])) == [0x30, 7, 2, 1, 5, 3, 2, 0, 0xAB])
    }
}

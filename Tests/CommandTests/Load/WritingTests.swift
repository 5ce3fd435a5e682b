import Testing

@testable import websocket_gateway

@Suite struct WritingTests {
    @Test func `numbers are written as JSON has them`() {
        for (value, decimals, text) in [
            (0, 0, "0"), (7, 0, "7"), (-7, 0, "-7"), (0, 2, "0.00"), (5, 2, "0.05"), (-5, 2, "-0.05"), (6_123_451, 2, "61234.51"),
            (-12_345, 4, "-1.2345"), (.min, 0, "-9223372036854775808"), (.max, 3, "9223372036854775.807"),
        ] as [(Int, Int, String)] {
            var bytes: [UInt8] = []
            bytes.append(fixed: value, decimals: decimals)
            #expect(String(decoding: bytes, as: UTF8.self) == text)
        }
    }

    @Test(arguments: [0, 9, 10, 99, 100, 1_234_567_890, .max] as [UInt64])
    func `a whole number has no zeros in front, and so many digits has as many`(_ value: UInt64) {
        var bytes: [UInt8] = Array("x".utf8)
        bytes.append(decimal: value)
        bytes.append(digits: value, count: 3)
        let digits = "00\(value)"
        #expect(String(decoding: bytes, as: UTF8.self) == "x\(value)\(digits.suffix(3))")
    }
}

import OpenSSL
import Testing

@Suite("Comparing secrets")
struct ConstantTimeTests {
    @Test func `the same bytes are equal`() {
        for length in [0, 1, 31, 32, 33, 1000] {
            let bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0) }
            #expect(ConstantTime.areEqual(bytes, Array(bytes)), "\(length) bytes")
        }
    }

    @Test func `one bit anywhere makes the difference`() {
        let bytes = [UInt8](repeating: 0x5A, count: 32)
        for index in bytes.indices {
            for bit in 0..<8 {
                var other = bytes
                other[index] ^= 1 << UInt8(bit)
                #expect(!ConstantTime.areEqual(bytes, other), "bit \(bit) of byte \(index)")
            }
        }
    }

    @Test func `another length is another secret`() {
        let bytes = [UInt8](repeating: 0, count: 32)
        #expect(!ConstantTime.areEqual(bytes, [UInt8](repeating: 0, count: 31)))
        #expect(!ConstantTime.areEqual([], bytes))
    }

    /// Of an ordinary comparison the first takes a thousandth of the second's time. Not a proof, which is OpenSSL's affair: it shows that it is OpenSSL's
    /// comparison that runs. The least of many tries, since others use the machine.
    @Test func `it takes as long whether the first byte differs or the last`() {
        let bytes = [UInt8](repeating: 7, count: 1 << 20)
        var (first, last) = (bytes, bytes)
        first[0] = 0
        last[last.count - 1] = 0
        func least(_ other: [UInt8]) -> Duration {
            (0..<20).map { _ in ContinuousClock().measure { _ = ConstantTime.areEqual(bytes, other) } }.min() ?? .zero
        }
        #expect(least(first) * 4 > least(last))
    }
}

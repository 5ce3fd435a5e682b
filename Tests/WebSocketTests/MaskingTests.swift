import Testing
import WebSocket

@Suite("Masking (RFC 6455 §5.3)")
struct MaskingTests {
    /// The RFC's own words: octet i XOR octet (i modulo 4) of the key.
    private func reference(_ payload: [UInt8], _ key: UInt32, _ offset: Int) -> [UInt8] {
        payload.enumerated().map { index, byte in byte ^ UInt8(truncatingIfNeeded: key >> (24 - (index + offset) % 4 * 8)) }
    }

    @Test func `every length and offset masks as the RFC spells it`() {
        for count in 0...67 {
            let payload = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37) }
            for offset in 0..<8 {
                var bytes: [UInt8] = [0xEE]
                Masking.append(payload.span, key: 0x37fa_213d, offset: offset, to: &bytes)
                #expect(bytes == [0xEE] + reference(payload, 0x37fa_213d, offset))
            }
        }
    }

    @Test func `masking twice is nothing`() {
        let payload = Array("a candle and a half".utf8)
        var masked: [UInt8] = []
        var unmasked: [UInt8] = []
        Masking.append(payload.span, key: 0xDEAD_BEEF, offset: 3, to: &masked)
        Masking.append(masked.span, key: 0xDEAD_BEEF, offset: 3, to: &unmasked)
        #expect(unmasked == payload)
    }

    @Test func `a key of zero copies`() {
        let payload = [UInt8](0...255)
        var bytes: [UInt8] = []
        Masking.append(payload.span, key: 0, offset: 1, to: &bytes)
        #expect(bytes == payload)
    }
}

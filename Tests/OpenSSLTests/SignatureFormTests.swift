import OpenSSL
import Testing

@Suite("The form of an ECDSA signature")
struct SignatureFormTests {
    @Test func `r and s become two integers`() {
        let r = [UInt8](repeating: 0, count: 31) + [5]
        let s = [0x80] + [UInt8](repeating: 0, count: 31)
        #expect(SignatureForm.der(ofRaw: (r + s).span) == [0x30, 38, 2, 1, 5, 2, 33, 0, 0x80] + [UInt8](repeating: 0, count: 31))
    }

    @Test func `the longest fits as well`() {
        #expect(SignatureForm.der(ofRaw: [UInt8](repeating: 0xFF, count: 64).span)?.count == 72)
    }

    @Test(arguments: [0, 63, 65, 70, 72, 128]) func `any other length is no signature`(_ count: Int) {
        #expect(SignatureForm.der(ofRaw: [UInt8](repeating: 1, count: count).span) == nil)
    }
}

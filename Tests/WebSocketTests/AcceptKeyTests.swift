import Testing
import WebSocket

@Suite("Accept key (RFC 6455 §1.3, §4.2.2)")
struct AcceptKeyTests {
    @Test func `the RFC's key is accepted as the RFC says`() {
        #expect(AcceptKey.accept("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
    }

    @Test(arguments: [
        ("dGhlIHNhbXBsZSBub25jZQ==", true), ("AAAAAAAAAAAAAAAAAAAAAA==", true), ("++++////++++////++++/w==", true),
        // The last digit's four bits that decode to nothing.
        ("dGhlIHNhbXBsZSBub25jZR==", true),
        ("", false), ("dGhlIHNhbXBsZSBub25jZQ=", false), ("dGhlIHNhbXBsZSBub25jZQ===", false), ("dGhlIHNhbXBsZSBub25jZQaa", false),
        ("dGhlIHNhbXBsZSBub25jZQa=", false), ("dGhlIHNhbXBsZSBub2 jZQ==", false), ("dGhlIHNhbXBsZSBub2-_ZQ==", false),
        ("dGhlIHNhbXBsZSBub25=ZQ==", false), ("dGhlIHNhbXBsZSBub25é==", false), ("dGhlIHNhbXBsZSBub25jZ\0==", false),
    ])
    func `a key is 16 bytes in Base64`(key: String, isWellFormed: Bool) {
        #expect(AcceptKey.isWellFormed(key) == isWellFormed)
    }

    @Test func `threads may compute keys at once`() async {
        await withTaskGroup(of: String?.self) { group in
            for _ in 0..<200 { group.addTask { AcceptKey.accept("dGhlIHNhbXBsZSBub25jZQ==") } }
            for await accept in group { #expect(accept == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") }
        }
    }
}

import Testing
import WebSocket

@Suite("Accept key (RFC 6455 §1.3, §4.2.2)")
struct AcceptKeyTests {
    private func accept(_ key: String) -> String? { AcceptKey(answering: key.utf8.span)?.description }

    @Test func `the RFC's key is accepted as the RFC says`() {
        #expect(accept("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
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
        let bytes = Array(key.utf8)
        #expect(AcceptKey.isWellFormed(bytes.span) == isWellFormed)
    }

    @Test func `a digit is one of Base64's 64, wherever it stands`() {
        let digits = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        for place in [0, 11, 21] {
            for byte in UInt8.min ... .max {
                var key = Array("dGhlIHNhbXBsZSBub25jZQ==".utf8)
                key[place] = byte
                #expect(AcceptKey.isWellFormed(key.span) == digits.contains(byte), "\(byte) at \(place)")
            }
        }
    }

    /// A thread computes all its keys with one context.
    @Test func `a key's answer does not depend on the keys before it`() {
        for other in ["AAAAAAAAAAAAAAAAAAAAAA==", "++++////++++////++++/w==", "dGhlIHNhbXBsZSBub25jZQ=="] {
            #expect(accept(other) != nil)
            #expect(accept("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        }
    }

    @Test func `answers are the same when all their digits are`() {
        let keys = ["dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZR==", "AAAAAAAAAAAAAAAAAAAAAA=="]
        for key in keys {
            for other in keys { #expect((AcceptKey(answering: key.utf8.span) == AcceptKey(answering: other.utf8.span)) == (key == other)) }
        }
    }

    @Test func `threads may compute keys at once`() async {
        await withTaskGroup(of: String?.self) { group in
            for _ in 0..<200 { group.addTask { accept("dGhlIHNhbXBsZSBub25jZQ==") } }
            for await accept in group { #expect(accept == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") }
        }
    }
}

import OpenSSL
import Testing

@Suite("SHA-256")
struct SHA256Tests {
    /// FIPS 180-4's own examples (csrc.nist.gov, SHA256.pdf), and nothing at all.
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"),
    ])
    func `a text has its digest`(_ text: String, _ expected: String) {
        let digest = SHA256.digest(text.utf8.span)
        #expect(digest.count == SHA256.digestBytes)
        #expect(digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() == expected)
    }
}

import Testing

@testable import WebSocketGateway

@Suite("Base64url")
struct Base64URLTests {
    /// RFC 4648 §10, without padding.
    @Test(arguments: [
        ("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foob", "Zm9vYg"), ("fooba", "Zm9vYmE"), ("foobar", "Zm9vYmFy"),
    ])
    func `bytes and text stand for each other`(_ bytes: String, _ text: String) {
        #expect(Base64URL.encode(Array(bytes.utf8)) == text)
        #expect(Base64URL.decode(text.utf8.span) == Array(bytes.utf8))
    }

    @Test func `every byte comes back`() {
        let bytes = (0...255).map { UInt8($0) }
        for start in 0..<3 {
            let some = Array(bytes[start...])
            #expect(Base64URL.decode(Base64URL.encode(some).utf8.span) == some)
        }
    }

    @Test(arguments: ["Zg==", "Zm8=", "Zh", "Zm9", "A", "AAAAA", "Zm9v\n", " Zm9v", "Zm+v", "Zm/v", "Zm9v.", "Zm\u{0}v", "Zmév", "_-8!"])
    func `anything else is none`(_ text: String) {
        #expect(Base64URL.decode(text.utf8.span) == nil)
    }
}

import Testing
import WebSocket

@Suite("Tokens (RFC 9110 §5.6.2)")
struct TokenTests {
    private static let characters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-.^_`|~"

    /// Byte for byte, through the one door there is.
    @Test func `of all ASCII, the RFC's characters make a token`() {
        for value: UInt8 in 0..<0x80 where value != 0x20 && value != 0x09 && value != UInt8(ascii: ",") {
            let character = String(decoding: [value], as: UTF8.self)
            let offers = try? ExtensionOffers.parse([character])
            #expect((offers == [ExtensionOffer(character)]) == Self.characters.contains(character), "\(value)")
        }
    }
}

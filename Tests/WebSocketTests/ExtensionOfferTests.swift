import Testing
import WebSocket

@Suite("Extension offers, one")
struct ExtensionOfferTests {
    @Test func `a parameter without a value differs from one with`() {
        #expect(ExtensionOffer("a", [.init("b")]) != ExtensionOffer("a", [.init("b", "1")]))
        #expect(ExtensionOffer("a").parameters.isEmpty)
        #expect(ExtensionOffer.Parameter("b").value == nil)
    }
}

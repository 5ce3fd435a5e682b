import Testing
import WebSocket

@Suite("Sec-WebSocket-Extensions (RFC 6455 §9.1)")
struct ExtensionOffersTests {
    private static let lists: [([String], [ExtensionOffer])] = [
        ([], []),
        ([""], []),
        ([" , ,\t,"], []),
        (["a"], [ExtensionOffer("a")]),
        (["a,b"], [ExtensionOffer("a"), ExtensionOffer("b")]),
        (["a", "b"], [ExtensionOffer("a"), ExtensionOffer("b")]),
        ([",a,,b,"], [ExtensionOffer("a"), ExtensionOffer("b")]),
        (["a, a"], [ExtensionOffer("a"), ExtensionOffer("a")]),
        (["a;b"], [ExtensionOffer("a", [.init("b")])]),
        (["a;b=c"], [ExtensionOffer("a", [.init("b", "c")])]),
        (["a;b=\"c\""], [ExtensionOffer("a", [.init("b", "c")])]),
        (["a;b=\"\\c\\d\""], [ExtensionOffer("a", [.init("b", "cd")])]),
        (["a;b;b"], [ExtensionOffer("a", [.init("b"), .init("b")])]),
        ([" a\t; b = c ; d\t,\te "], [ExtensionOffer("a", [.init("b", "c"), .init("d")]), ExtensionOffer("e")]),
        (["a;b=\"c\" ; d , e"], [ExtensionOffer("a", [.init("b", "c"), .init("d")]), ExtensionOffer("e")]),
        (["foo", "bar; baz=2"], [ExtensionOffer("foo"), ExtensionOffer("bar", [.init("baz", "2")])]),
        (["A!#$%&'*+-.^_`|~9;B=1"], [ExtensionOffer("A!#$%&'*+-.^_`|~9", [.init("B", "1")])]),
    ]

    @Test(arguments: lists)
    func `a list is read`(values: [String], offers: [ExtensionOffer]) throws {
        #expect(try ExtensionOffers.parse(values) == offers)
    }

    @Test(arguments: [
        ";", "=", "a;", "a;,b", "a;;b", "a;b=", "a;b=,c", "a;b==c", "a;b=c=d", "a=b", "a b", "a;b c", "a;b=c d", "a\"b\"", "\"a\"",
        "a;\"b\"",
        "a;b=\"", "a;b=\"c", "a;b=\"\"", "a;b=\"c d\"", "a;b=\"c,d\"", "a;b=\"c\\\"", "a;b=\"c\\\"d\"", "a;b=\"\\", "a;b=\"c\"d",
        "a;b=\"c\"\"d\"",
        "a;b=\"\u{7F}\"", "a/b", "a\0", "a\u{7F}", "é", "a;b=é", "a;b=\"é\"", "\u{FFFD}", "a, (b)", "a\r\nb", "a,b;c=\"d",
    ])
    func `what breaks the grammar is malformed, in whatever line`(value: String) {
        #expect(throws: HandshakeRejection.malformedExtensions) { try ExtensionOffers.parse([value]) }
        #expect(throws: HandshakeRejection.malformedExtensions) { try ExtensionOffers.parse(["x;y=z", value]) }
    }

    @Test func `sixteen offers are kept, and those behind them still held to the grammar`() throws {
        let names = (1...17).map { "n\($0)" }
        #expect(try ExtensionOffers.parse(Array(names[..<16])).map(\.name) == Array(names[..<16]))
        #expect(try ExtensionOffers.parse([names.joined(separator: ",")]).map(\.name) == Array(names[..<16]))
        #expect(try ExtensionOffers.parse(names).count == ExtensionOffers.offersMax)
        #expect(throws: HandshakeRejection.malformedExtensions) { try ExtensionOffers.parse(names + ["a;"]) }
    }

    @Test func `an offer with more than sixteen parameters is left out`() throws {
        let sixteen = "a" + String(repeating: ";b", count: 16)
        #expect(try ExtensionOffers.parse([sixteen]).first?.parameters.count == ExtensionOffers.parametersMax)
        #expect(try ExtensionOffers.parse([sixteen + ";b, c"]) == [ExtensionOffer("c")])
    }

    @Test func `a head full of offers or parameters is read in one pass`() throws {
        let offers = String(repeating: "a,", count: 500_000)
        #expect(try ExtensionOffers.parse([offers]).count == 16)
        let parameters = "a" + String(repeating: ";b=\"c\"", count: 200_000)
        #expect(try ExtensionOffers.parse([parameters]).isEmpty)
        #expect(try ExtensionOffers.parse([String(repeating: ",", count: 1_000_000)]).isEmpty)
    }

    @Test func `random text never traps`() {
        var generator = SeededGenerator(seed: 91)
        let alphabet = Array("ab;;==,,\"\"\\ \té\u{7F}".unicodeScalars)
        for _ in 0..<100_000 {
            var text = String.UnicodeScalarView()
            for _ in 0..<Int.random(in: 0...24, using: &generator) { text.append(alphabet.randomElement(using: &generator)!) }
            guard let offers = try? ExtensionOffers.parse([String(text)]) else { continue }
            _ = PermessageDeflate.negotiate(offers)
        }
    }
}

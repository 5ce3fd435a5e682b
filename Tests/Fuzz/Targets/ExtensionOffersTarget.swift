import WebSocket

/// Input: the values of Sec-WebSocket-Extensions, one a line.
enum ExtensionOffersTarget: FuzzTarget {
    static let name = "extension_offers"

    static func run(_ input: [UInt8]) {
        let values = input.split(separator: UInt8(ascii: "\n")).map { String(decoding: $0, as: UTF8.self) }
        guard let offers = try? ExtensionOffers.parse(values) else { return }
        require(offers.count <= ExtensionOffers.offersMax, "there are no more offers than the limit")
        for offer in offers {
            require(offer.parameters.count <= ExtensionOffers.parametersMax, "there are no more parameters than the limit")
            let words = [offer.name] + offer.parameters.flatMap { [$0.name, $0.value ?? "none"] }
            for word in words { require(!word.isEmpty && word.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }, "a word is a token") }
        }
        requireSame(try? ExtensionOffers.parse(offers.map { written($0, quoted: false) }), offers)
        requireSame(try? ExtensionOffers.parse([offers.map { written($0, quoted: true) }.joined(separator: " , ,")]), offers)
        requireAgrees(PermessageDeflate.negotiate(offers), offers)
    }

    private static func requireSame(_ again: [ExtensionOffer]?, _ offers: [ExtensionOffer]) {
        guard let again else { fatalError("broken rule: offers read back when written again") }
        requireEqual(again.map { words($0) }, offers.map { words($0) }, "offers read back the same when written again")
    }

    private static func words(_ offer: ExtensionOffer) -> [String?] { [offer.name] + offer.parameters.flatMap { [$0.name, $0.value] } }

    private static func written(_ offer: ExtensionOffer, quoted: Bool) -> String {
        offer.parameters.reduce(offer.name) { text, parameter in
            text + "; " + parameter.name + (parameter.value.map { quoted ? " = \"\\\($0)\"" : "=\($0)" } ?? "")
        }
    }

    /// RFC 7692 §7.1: the answer holds to one of the offers.
    private static func requireAgrees(_ agreement: DeflateAgreement?, _ offers: [ExtensionOffer]) {
        guard let agreement else { return }
        guard let answer = try? ExtensionOffers.parse([agreement.headerValue.description]), answer.count == 1 else {
            fatalError("broken rule: an answer is one extension")
        }
        require(answer[0].name == PermessageDeflate.name, "an answer names the extension")
        let answered = windowBits(answer[0])
        require(
            offers.contains { offer in
                guard offer.name == PermessageDeflate.name else { return false }
                guard let asked = windowBits(offer) else { return answered == nil }
                return answered.map { $0 <= asked && $0 == Int(agreement.deflateClass.windowBits) } ?? false
            }, "a server window is answered where it was asked for, and no larger")
    }

    private static func windowBits(_ offer: ExtensionOffer) -> Int? {
        offer.parameters.first { $0.name == "server_max_window_bits" }.flatMap { $0.value.flatMap { Int($0) } }
    }
}

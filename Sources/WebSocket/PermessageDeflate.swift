internal import HTTP

/// The negotiation of permessage-deflate, the server's side (RFC 7692 §5, §7.1).
///
/// Flow: ExtensionOffers → **PermessageDeflate** → Handshake.Acceptance
package enum PermessageDeflate {
    package static let name = "permessage-deflate"
    /// What our own client tools offer, as browsers do.
    package static let offer = "permessage-deflate; client_max_window_bits"

    /// What browsers offer, one or the other, to the byte: a connection of theirs needs no grammar.
    static func isUsualOffer(_ value: Span<UInt8>) -> Bool {
        value.equals("permessage-deflate; client_max_window_bits") || value.equals("permessage-deflate")
    }

    /// What ``negotiate(_:)`` agrees to for the usual offers.
    static let usualAgreement = DeflateAgreement(.window12, limitsServerWindow: false)

    /// The agreement to the first offer that we can meet: clients list them in order of preference (§5). nil declines them all.
    package static func negotiate(_ offers: [ExtensionOffer]) -> DeflateAgreement? {
        for offer in offers where offer.name == name {
            if let agreement = agreement(to: offer) { return agreement }
        }
        return nil
    }

    /// §7: an offer with an unknown parameter, an invalid value, or the same parameter twice is declined.
    private static func agreement(to offer: ExtensionOffer) -> DeflateAgreement? {
        var seen: Set<String> = []
        var serverWindowBits: Int?
        for parameter in offer.parameters {
            guard seen.insert(parameter.name).inserted else { return nil }
            switch parameter.name {
            case "server_no_context_takeover", "client_no_context_takeover":
                guard parameter.value == nil else { return nil }
            case "server_max_window_bits":
                guard let bits = windowBits(parameter.value) else { return nil }
                serverWindowBits = bits
            case "client_max_window_bits":
                guard parameter.value == nil || windowBits(parameter.value) != nil else { return nil }
            default: return nil
            }
        }
        switch serverWindowBits {
        case nil: return DeflateAgreement(.window12, limitsServerWindow: false)
        case .some(12...15): return DeflateAgreement(.window12, limitsServerWindow: true)
        case .some(9...11): return DeflateAgreement(.window9, limitsServerWindow: true)
        // zlib cannot write raw DEFLATE for a window of 256 bytes.
        default: return nil
        }
    }

    /// §7.1.2.1: "a decimal integer value without leading zeroes between 8 to 15, inclusive".
    private static func windowBits(_ value: String?) -> Int? { (8...15).first { String($0) == value } }
}

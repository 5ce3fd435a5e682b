import Testing

@testable import WebSocket

@Suite("Negotiation of permessage-deflate (RFC 7692 §5, §7.1)")
struct PermessageDeflateTests {
    private enum Answer: Equatable {
        case declined
        case agreed(DeflateClass, bits: Int32?)
    }

    private static let wide = Answer.agreed(.window12, bits: nil)
    private static let wideSaid = Answer.agreed(.window12, bits: 12)
    private static let narrow = Answer.agreed(.window9, bits: 9)

    private static let browsersAndLibraries: [(String, Answer)] = [
        // Chrome, Edge, Opera; also Python's websockets and aiohttp, .NET.
        ("permessage-deflate; client_max_window_bits", wide),
        // Firefox; Safari since 15.
        ("permessage-deflate", wide),
        // Safari before.
        ("x-webkit-deflate-frame", .declined),
        ("permessage-deflate, x-webkit-deflate-frame", wide),
        ("x-webkit-deflate-frame, permessage-deflate; client_max_window_bits", wide),
        // gorilla/websocket.
        ("permessage-deflate; server_no_context_takeover; client_no_context_takeover", wide),
        // Node's ws with its defaults, and faye's websocket-extensions.
        ("permessage-deflate; client_max_window_bits=15", wide),
        ("permessage-deflate; server_no_context_takeover; client_max_window_bits", wide),
        // Autobahn.
        (
            "permessage-deflate; client_no_context_takeover; client_max_window_bits, "
                + "permessage-deflate; client_no_context_takeover, permessage-deflate", wide
        ),
        ("permessage-deflate; client_max_window_bits; server_no_context_takeover; server_max_window_bits=9", narrow),
        // §7.1.3's examples.
        ("permessage-deflate; client_max_window_bits; server_max_window_bits=10", narrow),
        ("permessage-deflate; client_max_window_bits; server_max_window_bits=10, permessage-deflate; client_max_window_bits", narrow),
    ]

    private static let windows: [(String, Answer)] = [
        ("server_max_window_bits=15", wideSaid), ("server_max_window_bits=14", wideSaid), ("server_max_window_bits=13", wideSaid),
        ("server_max_window_bits=12", wideSaid), ("server_max_window_bits=11", narrow), ("server_max_window_bits=10", narrow),
        ("server_max_window_bits=9", narrow), ("server_max_window_bits=8", .declined), ("server_max_window_bits=7", .declined),
        ("server_max_window_bits=16", .declined), ("server_max_window_bits=0", .declined), ("server_max_window_bits", .declined),
        ("server_max_window_bits=\"12\"", wideSaid), ("server_max_window_bits=\"1\\0\"", narrow),
        ("server_max_window_bits=012", .declined), ("server_max_window_bits=09", .declined), ("server_max_window_bits=+9", .declined),
        ("server_max_window_bits=-9", .declined), ("server_max_window_bits=9.0", .declined), ("server_max_window_bits=0xF", .declined),
        ("server_max_window_bits=12x", .declined), ("server_max_window_bits=1e1", .declined),
        ("server_max_window_bits=99999999999999999999999999", .declined),
        ("client_max_window_bits=8", wide), ("client_max_window_bits=15", wide), ("client_max_window_bits=\"8\"", wide),
        ("client_max_window_bits=7", .declined), ("client_max_window_bits=16", .declined), ("client_max_window_bits=08", .declined),
        ("client_max_window_bits=x", .declined),
    ]

    private static let parameters: [(String, Answer)] = [
        ("server_no_context_takeover", wide), ("client_no_context_takeover", wide),
        ("server_no_context_takeover=1", .declined), ("client_no_context_takeover=1", .declined),
        ("server_no_context_takeover=\"true\"", .declined), ("client_no_context_takeover=client_no_context_takeover", .declined),
        ("server_no_context_takeover; server_no_context_takeover", .declined),
        ("client_max_window_bits; client_max_window_bits", .declined), ("client_max_window_bits; client_max_window_bits=15", .declined),
        ("server_max_window_bits=12; server_max_window_bits=12", .declined),
        ("unknown", .declined), ("unknown=1", .declined), ("server_no_context_takeover; unknown", .declined),
        ("SERVER_NO_CONTEXT_TAKEOVER", .declined), ("mem_level=8", .declined),
    ]

    private static let lists: [(String, Answer)] = [
        ("", .declined), ("foo", .declined), ("permessage-deflate2", .declined), ("Permessage-Deflate", .declined),
        ("permessage", .declined),
        ("permessage-bzip2, permessage-deflate", wide),
        ("permessage-deflate; server_max_window_bits=8, permessage-deflate", wide),
        ("permessage-deflate; server_max_window_bits=8, permessage-deflate; server_max_window_bits=9", narrow),
        ("permessage-deflate; unknown, permessage-deflate; server_max_window_bits=13, permessage-deflate", wideSaid),
        ("permessage-deflate; unknown, permessage-deflate; unknown", .declined),
        ("permessage-deflate; server_max_window_bits=9, permessage-deflate", narrow),
        ("foo; server_max_window_bits=8, permessage-deflate", wide),
        ((0..<15).map { "n\($0), " }.joined() + "permessage-deflate", wide),
        ((0..<16).map { "n\($0), " }.joined() + "permessage-deflate", .declined),
        ("permessage-deflate" + (0..<17).map { "; p\($0)" }.joined() + ", permessage-deflate", wide),
    ]

    private func answer(_ header: String) throws -> Answer {
        guard let agreement = PermessageDeflate.negotiate(try ExtensionOffers.parse([header])) else { return .declined }
        let base = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
        let isBare = agreement.headerValue.description == base
        if !isBare { #expect(agreement.headerValue.description == "\(base); server_max_window_bits=\(agreement.deflateClass.windowBits)") }
        return .agreed(agreement.deflateClass, bits: isBare ? nil : agreement.deflateClass.windowBits)
    }

    @Test(arguments: browsersAndLibraries)
    private func `what clients send is agreed to`(header: String, expected: Answer) throws {
        #expect(try answer(header) == expected)
    }

    @Test(arguments: windows + parameters)
    private func `a parameter is met, ignored, or has its offer declined`(parameter: String, expected: Answer) throws {
        #expect(try answer("permessage-deflate; \(parameter)") == expected)
    }

    @Test(arguments: lists)
    private func `of a list, the first offer that can be met is agreed to`(header: String, expected: Answer) throws {
        #expect(try answer(header) == expected)
    }

    @Test(arguments: [
        ("permessage-deflate; client_max_window_bits", true), ("permessage-deflate", true), ("permessage-deflate ", false),
        ("Permessage-Deflate", false), ("permessage-deflate; server_max_window_bits=9", false), ("", false),
    ])
    func `the usual offers are agreed to as their grammar says`(offer: String, isUsual: Bool) throws {
        #expect(PermessageDeflate.isUsualOffer(offer.utf8.span) == isUsual)
        guard isUsual else { return }
        #expect(PermessageDeflate.negotiate(try ExtensionOffers.parse([offer])) == PermessageDeflate.usualAgreement)
    }

    @Test func `our own offer is agreed to`() throws {
        #expect(try answer(PermessageDeflate.offer) == Self.wide)
    }
}

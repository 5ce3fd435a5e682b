import Testing
import WebSocket

@testable import websocket_gateway

/// RFC 7692 §7.1, from the client's side. Our offer was `permessage-deflate; client_max_window_bits`.
@Suite struct DeflateAnswerTests {
    @Test(arguments: [
        "permessage-deflate; server_no_context_takeover",
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
        "permessage-deflate ;server_no_context_takeover;client_max_window_bits = 8",
        #"permessage-deflate; server_max_window_bits="15"; server_no_context_takeover; client_max_window_bits=15"#,
        // Not asked for, and allowed all the same (§7.1.2.1).
        "permessage-deflate; server_no_context_takeover; server_max_window_bits=9",
    ])
    func `an answer that lets each message be inflated on its own is an agreement`(_ value: String) throws {
        #expect(try DeflateAnswer.isAgreement([value]))
    }

    @Test func `what our own gateway answers to our offer is one`() throws {
        let agreement = try #require(PermessageDeflate.negotiate(try ExtensionOffers.parse([PermessageDeflate.offer])))
        #expect(try DeflateAnswer.isAgreement([agreement.headerValue.description]))
    }

    @Test func `no answer declines`() throws {
        #expect(try !DeflateAnswer.isAgreement([]))
    }

    private static let wrong: [([String], DeflateAnswer.Fault)] = [
        ([""], .malformed),
        (["permessage-deflate; =1"], .malformed),
        (["x-webkit-deflate-frame"], .notOffered),
        (["permessage-deflate; server_no_context_takeover, permessage-deflate; server_no_context_takeover"], .notOffered),
        (["permessage-deflate; server_no_context_takeover", "permessage-bzip2"], .notOffered),
        (["permessage-deflate; server_no_context_takeover; mode=1"], .unknownParameter("mode")),
        (["permessage-deflate; server_no_context_takeover; server_no_context_takeover"], .repeatedParameter("server_no_context_takeover")),
        (["permessage-deflate; server_no_context_takeover=1"], .invalidValue("server_no_context_takeover")),
        (["permessage-deflate; server_no_context_takeover; client_no_context_takeover=0"], .invalidValue("client_no_context_takeover")),
        (["permessage-deflate; server_no_context_takeover; client_max_window_bits"], .invalidValue("client_max_window_bits")),
        (["permessage-deflate; server_no_context_takeover; client_max_window_bits=16"], .invalidValue("client_max_window_bits")),
        (["permessage-deflate; server_no_context_takeover; server_max_window_bits=7"], .invalidValue("server_max_window_bits")),
        (["permessage-deflate; server_no_context_takeover; server_max_window_bits=09"], .invalidValue("server_max_window_bits")),
        (["permessage-deflate"], .takesContextOver),
        (["permessage-deflate; client_no_context_takeover"], .takesContextOver),
    ]

    @Test(arguments: wrong)
    func `an answer that breaks a rule, or that we could not inflate by, is named`(_ values: [String], _ fault: DeflateAnswer.Fault) {
        #expect(throws: fault) { try DeflateAnswer.isAgreement(values) }
        #expect(!fault.reason.isEmpty)
    }
}

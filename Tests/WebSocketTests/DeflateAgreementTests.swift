import Testing
import WebSocket

@Suite("Deflate agreements (RFC 7692 §7.1)")
struct DeflateAgreementTests {
    private func answer(_ offer: String) throws -> String? {
        PermessageDeflate.negotiate(try ExtensionOffers.parse([offer]))?.headerValue.description
    }

    @Test func `no side takes its context over, offered or not (§7_1_1)`() throws {
        let answer = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
        #expect(try self.answer("permessage-deflate") == answer)
        #expect(try self.answer("permessage-deflate; client_no_context_takeover; server_no_context_takeover") == answer)
    }

    @Test func `a limit is answered where one was asked for, with the same or a smaller one (§7_1_2_1)`() throws {
        for bits in 9...15 {
            let answer = try #require(try answer("permessage-deflate; server_max_window_bits=\(bits)"))
            let limit = try #require(answer.split(separator: "=").last.flatMap { Int($0) })
            #expect(limit == (bits < 12 ? 9 : 12))
            #expect(limit <= bits)
        }
    }

    @Test func `the client's window is never limited (§7_1_2_2)`() throws {
        for offer in ["permessage-deflate; client_max_window_bits", "permessage-deflate; client_max_window_bits=9"] {
            #expect(try answer(offer)?.contains("client_max_window_bits") == false)
        }
    }

    @Test func `an answer is itself an offer that we would agree to`() throws {
        for offer in [
            "permessage-deflate", "permessage-deflate; server_max_window_bits=11", "permessage-deflate; server_max_window_bits=15",
        ] {
            let answer = try #require(try answer(offer))
            #expect(try self.answer(answer) != nil)
        }
    }
}

import Testing
import WebSocket

@Suite("Subprotocols (RFC 6455 §1.9, §4.1 item 10)")
struct SubprotocolsTests {
    @Test func `the first of ours that is offered is taken`() throws {
        #expect(try Subprotocols.select(from: ["b, a"], ours: ["a", "b"]) == "a")
        #expect(try Subprotocols.select(from: ["x", "b ,\ty"], ours: ["a", "b"]) == "b")
    }

    @Test func `empty elements are passed over (RFC 9110 §5_6_1_2)`() throws {
        for values in [["a,"], [",a"], ["b,,a"], ["", "a"], [" , a\t,"]] {
            #expect(try Subprotocols.select(from: values, ours: ["a"]) == "a", "\(values)")
        }
    }

    @Test func `no common one is none`() throws {
        #expect(try Subprotocols.select(from: [], ours: ["a"]) == nil)
        #expect(try Subprotocols.select(from: ["x"], ours: ["a"]) == nil)
        #expect(try Subprotocols.select(from: ["x"], ours: []) == nil)
        #expect(try Subprotocols.select(from: ["WSG.V1"], ours: ["wsg.v1"]) == nil)
    }

    @Test(arguments: [[""], [","], [" , ", ""], ["a b"], ["a, a"], ["a", "a"], ["a\u{7F}"], ["é"], ["a;b"], ["\"a\""]])
    func `what is not a list of distinct tokens is malformed`(values: [String]) {
        #expect(throws: HandshakeRejection.malformedSubprotocol) { try Subprotocols.select(from: values, ours: ["a"]) }
    }

    @Test func `thousands of names are read in one pass`() throws {
        let names = (0..<4_000).map { "n\($0)" }.joined(separator: ",")
        #expect(try Subprotocols.select(from: [names], ours: ["z", "n3999"]) == "n3999")
    }
}

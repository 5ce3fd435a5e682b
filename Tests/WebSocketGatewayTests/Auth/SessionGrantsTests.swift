import Sessions
import Testing

@testable import WebSocketGateway

@Suite("The sessions a token names")
struct SessionGrantsTests {
    @Test(arguments: [
        (["s1"], "s1", true), (["s1"], "s10", false), (["s1"], "S1", false), (["s1*"], "s1", true), (["s1*"], "s10", true),
        (["s1*"], "s2", false),
        (["*"], "anything", true), ([], "s1", false), (["a", "b", "c-*"], "c-9", true), (["a", "b", "c-*"], "c", false),
        ([".*"], ".x", true),
        (["..*"], "..x", true),
    ])
    func `ids are whole, prefixes end in a star`(_ entries: [String], _ session: String, _ isNamed: Bool) throws {
        let grants = try #require(SessionGrants(.array(entries.map { .string($0) })))
        #expect(grants.names(try SessionID(session)) == isNamed)
    }

    @Test(arguments: ["", "a b", "a*b", "**", "a**", "é", "..", "a/b"])
    func `what is neither is no claim at all`(_ entry: String) {
        #expect(SessionGrants(.array([.string("s1"), .string(entry)])) == nil)
    }

    @Test func `a claim is a list of bounded length`() {
        #expect(SessionGrants(.string("s1")) == nil)
        #expect(SessionGrants(.array([.int(1)])) == nil)
        #expect(SessionGrants(.array(Array(repeating: .string("s1"), count: SessionGrants.countMax))) != nil)
        #expect(SessionGrants(.array(Array(repeating: .string("s1"), count: SessionGrants.countMax + 1))) == nil)
    }

    @Test func `the longest id has the longest prefix`() throws {
        let id = String(repeating: "x", count: 128)
        for tooLong in ["\(id)x", "\(id)*"] { #expect(SessionGrants(.array([.string(tooLong)])) == nil) }
        #expect(try #require(SessionGrants(.array([.string(id)]))).names(try SessionID(id)))
        #expect(try #require(SessionGrants(.array([.string(id.dropLast() + "*")]))).names(try SessionID(id)))
    }
}

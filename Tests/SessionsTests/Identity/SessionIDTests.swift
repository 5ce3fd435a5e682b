import Sessions
import Testing

@Suite struct SessionIDTests {
    @Test(arguments: ["a", "9", "...", "-", "~", "AZaz09._~-", String(repeating: "x", count: 128)])
    func `1 to 128 unreserved characters are a session id`(_ text: String) throws {
        #expect(try SessionID(text).description == text)
    }

    @Test(
        arguments: [
            ("", .empty), (String(repeating: "x", count: 129), .tooLong), ("a b", .characterNotAllowed(offset: 1)),
            ("a/b", .characterNotAllowed(offset: 1)), (".", .dotSegment), ("..", .dotSegment),
            ("é", .characterNotAllowed(offset: 0)), ("\u{212A}", .characterNotAllowed(offset: 0)),
            ("a%20", .characterNotAllowed(offset: 1)),
            ("abc\u{0}", .characterNotAllowed(offset: 3)), ("a\n", .characterNotAllowed(offset: 1)),
        ] as [(String, SessionIDError)])
    func `anything else is refused`(_ text: String, _ error: SessionIDError) {
        #expect(throws: error) { try SessionID(text) }
    }

    @Test func `ids sort as text, from substrings too`() throws {
        #expect(try SessionID("a") < SessionID("b"))
        #expect(try SessionID("xab".dropFirst()) == SessionID("ab"))
    }
}

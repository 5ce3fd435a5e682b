import Sessions
import Testing

@Suite struct JSONPlaceTests {
    @Test(arguments: [
        ("{\"a\":{\"b\":[1,{\"c\":?", "a.b[1].c"), ("[?", "[0]"), ("[[],[1,2,?", "[1][2]"), ("?", ""), ("{?", ""), ("{\"a\":1,?", ""),
        ("{\"a b\":?", "[\"a b\"]"), ("{\"\":?", "[\"\"]"), ("{\"x\":{\"a.b\":?", "x[\"a.b\"]"), ("{\"a\\n\":?", "[\"a\\n\"]"),
        ("{\"a\":\"text with { [ , inside\",\"b\":?", "b"), ("{\"a\":\"unterminated ?", "a"),
    ])
    func `a place is named by the keys and indices that lead to it`(_ text: String, _ path: String) throws {
        let offset = try #require(text.utf8.firstIndex(of: UInt8(ascii: "?"))).utf16Offset(in: text)
        let found = JSONPlace.path(in: text.utf8.span, from: 0, to: offset)
        #expect(found == path)
    }

    @Test func `long keys and long paths are cut`() {
        let key = String(repeating: "k", count: 1_000)
        let text = String(repeating: "{\"\(key)\":", count: 64)
        let path = JSONPlace.path(in: text.utf8.span, from: 0, to: text.utf8.count)
        #expect(path.utf8.count < 400)
        #expect(path.hasSuffix("…"))
    }
}

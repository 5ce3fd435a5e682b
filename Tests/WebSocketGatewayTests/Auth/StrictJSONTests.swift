import Testing

@testable import WebSocketGateway

@Suite("JSON that is read one way")
struct StrictJSONTests {
    @Test(arguments: ["{}", #"{"a":1}"#, #" {"a":{"b":1},"b":[{"b":2},{"b":3}]} "#])
    func `an object with each name once is one`(_ text: String) { #expect(StrictJSON.object(text.utf8.span) != nil) }

    @Test func `a large object is no exception`() {
        let members = (0..<40).map { "\"k\($0)\":0," }.joined()
        let object = { (last: String) in "{\(members)\"\(last)\":1}" }
        #expect(StrictJSON.object(object("k40").utf8.span) != nil)
        #expect(StrictJSON.object(object("k7").utf8.span) == nil)
        #expect(StrictJSON.object(object("\u{E9}\":0,\"e\u{301}").utf8.span) != nil, "names are the same by their bytes alone")
        #expect(StrictJSON.object("{\"\u{E9}\":0,\"e\u{301}\":1}".utf8.span) != nil)
    }

    @Test(arguments: [
        "", "[]", "1", "null", "{", #"{"a":1}x"#, #"{"a":1,}"#, #"{'a':1}"#, #"{"a":1,"a":1}"#, #"{"a":1,"b":2,"a":3}"#,
        #"{"a":1,"\u0061":2}"#,
        #"{"a":{"b":1,"b":2}}"#, #"{"a":[{"b":1,"b":2}]}"#, "\u{FEFF}{}", #"{"a":NaN}"#,
    ])
    func `anything else is none`(_ text: String) { #expect(StrictJSON.object(text.utf8.span) == nil) }
}

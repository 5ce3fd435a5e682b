import Testing

@testable import HTTP

struct SpanBytesTests {
    @Test(
        arguments: [
            ("abc", "abc", true, true), ("aBc", "AbC", false, true), ("ab", "abc", false, false), ("", "", true, true),
            ("@", "`", false, false),
        ] as [(String, StaticString, Bool, Bool)])
    func `bytes are compared with and without case`(bytes: String, text: StaticString, isEqual: Bool, isAlike: Bool) {
        let bytes = [UInt8](bytes.utf8)
        #expect(bytes.span.equals(text) == isEqual)
        #expect(bytes.span.equalsIgnoringCase(text) == isAlike)
    }

    @Test func `a byte is found from a place on, which may be the end`() {
        let bytes: [UInt8] = [1, 2, 1]
        #expect(bytes.span.firstIndex(of: 1) == 0)
        #expect(bytes.span.firstIndex(of: 1, from: 1) == 2)
        #expect(bytes.span.firstIndex(of: 2, from: 2) == nil)
        #expect(bytes.span.firstIndex(of: 1, from: 3) == nil)
    }

    @Test(arguments: [("  a b\t", 2..<5), ("", 0..<0), (" \t ", 3..<3), ("a", 0..<1)])
    func `white space is trimmed at both ends`(text: String, expected: Range<Int>) {
        let bytes = [UInt8](text.utf8)
        #expect(bytes.span.trimmingWhitespace(0..<bytes.count) == expected)
    }
}

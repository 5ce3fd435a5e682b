import Testing

@testable import HTTP

struct SpanBytesTests {
    @Test(
        arguments: [
            ("abc", "abc", true, true), ("aBc", "abc", false, true), ("ab", "abc", false, false),
            ("", "", true, true),
            ("@", "`", false, false),
        ] as [(String, StaticString, Bool, Bool)])
    func `bytes are compared with and without case`(bytes: String, text: StaticString, isEqual: Bool, isAlike: Bool) {
        let bytes = [UInt8](bytes.utf8)
        #expect(bytes.span.equals(text) == isEqual)
        #expect(bytes.span.equalsIgnoringCase(text) == isAlike)
    }

    /// Eight bytes are compared at a time: every byte with its capital, its like in the other 32, and its like above ASCII, at each place.
    @Test func `only ASCII letters differ by case, wherever they stand`() {
        for count in [1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 17, 23] {
            let text: StaticString = "the-long-name_of@[a]{b}"
            let name = Array("\(text)".utf8.prefix(count))
            for place in 0..<count {
                for byte in UInt8.min ... .max {
                    var bytes = name
                    bytes[place] = byte
                    let isAlike = Character(UnicodeScalar(byte)).lowercased() == Character(UnicodeScalar(name[place])).lowercased()
                    let isEqual = bytes.span.equalsIgnoringCase(Self.texts[count]!)
                    #expect(isEqual == (isAlike && byte < 0x80), "\(byte) at \(place) of \(count)")
                    #expect(bytes.span.equals(Self.texts[count]!) == (bytes == name), "\(byte) at \(place) of \(count)")
                }
            }
        }
    }

    private static let texts: [Int: StaticString] = [
        1: "t", 2: "th", 3: "the", 4: "the-", 5: "the-l", 6: "the-lo", 7: "the-lon", 8: "the-long", 9: "the-long-", 16: "the-long-name_of",
        17: "the-long-name_of@",
        23: "the-long-name_of@[a]{b}",
    ]

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

import Sessions
import Testing

@Suite struct JSONTextTests {
    @Test(arguments: [
        ("abc", "abc"), ("", ""), ("\\\"\\\\\\/\\b\\f\\n\\r\\t", "\"\\/\u{8}\u{C}\n\r\t"), ("\\u0041\\u00e9\\u20AC", "Aé€"),
        ("\\ud834\\udd1e", "𝄞"),
        ("\\ud800", "\u{FFFD}"), ("\\udc00", "\u{FFFD}"), ("\\ud800x", "\u{FFFD}x"), ("\\ud800\\n", "\u{FFFD}\n"),
        ("\\ud800\\u0041", "\u{FFFD}A"),
        ("\\ud800\\ud834\\udd1e", "\u{FFFD}𝄞"), ("\\udbff\\udfff", "\u{10FFFF}"), ("\\u0000", "\u{0}"), ("é€𝄞", "é€𝄞"),
    ])
    func `escapes become what they stand for, and lone surrogates U+FFFD`(_ escaped: String, _ text: String) {
        let decoded = JSONText.decode(0..<escaped.utf8.count, of: escaped.utf8.span)
        #expect(decoded == text)
    }

    @Test(arguments: ["\\", "\\u", "\\u1", "\\ud800\\", "\\ud800\\u", "\\ud800\\u12", "\\ud800\\udc0", "\\x", "\\uZZZZ"])
    func `unchecked text decodes to something without a trap`(_ escaped: String) {
        _ = JSONText.decode(0..<escaped.utf8.count, of: escaped.utf8.span)
    }

    @Test func `every control character, quote and backslash is escaped, and nothing else`() {
        for value in UInt8(0)...0x7F {
            let text = String(UnicodeScalar(value))
            var bytes: [UInt8] = []
            JSONText.appendEscaped(text, to: &bytes)
            #expect(bytes.count == JSONText.escapedLength(text))
            #expect((bytes.count > 1) == (value < 0x20 || text == "\"" || text == "\\"))
            let decoded = JSONText.decode(0..<bytes.count, of: bytes.span)
            #expect(decoded == text)
        }
    }
}

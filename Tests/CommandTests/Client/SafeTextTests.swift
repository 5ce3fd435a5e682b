import Sessions
import Testing

@testable import websocket_gateway

@Suite struct SafeTextTests {
    @Test(arguments: [
        ("plain, ünïcode 🚀", "plain, ünïcode 🚀"), ("\u{1B}[31mred", "\\u001b[31mred"), ("\u{1B}]0;title\u{07}", "\\u001b]0;title\\u0007"),
        ("\u{9B}31m", "\\u009b31m"), ("a\u{7F}\r\nb", "a\\u007f\\u000d\\u000ab"), ("\u{202E}evil", "\\u202eevil"), ("\u{2028}", "\\u2028"),
    ])
    func `what a terminal would obey is shown, not sent`(_ text: String, _ safe: String) {
        #expect(SafeText.escaped(text) == safe)
    }

    @Test func `text of several lines is folded, and still safe`() {
        #expect(SafeText.oneLine("a\nb\tc\u{1B}d") == "a b c\\u001bd")
    }

    @Test(arguments: [
        ("{ \"a\" :\n\t[1, 2.50] }", "{\"a\":[1,2.50]}"), ("{\"a b\":\"c \\\" d\"}", "{\"a b\":\"c \\\" d\"}"),
        ("{\"x\":\"\u{9B}\u{7F}é🚀\"}", "{\"x\":\"\\u009b\\u007fé🚀\"}"),
        ("{\"x\":\"\\\\\" , \"y\" : 1}", "{\"x\":\"\\\\\",\"y\":1}"),
    ])
    func `JSON on one line means the same`(_ text: String, _ compact: String) throws {
        let line = String(decoding: SafeText.line(ofJSON: text.utf8.span, compact: true), as: UTF8.self)
        #expect(line == compact)
        #expect(try JSON.parse(line) == JSON.parse(text))
        let loose = SafeText.line(ofJSON: text.utf8.span, compact: false)
        #expect(try JSON.parse(loose.span) == JSON.parse(text))
        #expect(loose.allSatisfy { $0 >= 0x20 && $0 != 0x7F })
    }

    @Test func `bytes that are no UTF-8 pass without harm`() {
        let bytes: [UInt8] = [0x22, 0xFF, 0xC2, 0x22]
        _ = SafeText.line(ofJSON: bytes.span, compact: true)
        #expect(SafeText.line(ofJSON: ([0xF0] as [UInt8]).span, compact: true) == [0xF0])
    }
}

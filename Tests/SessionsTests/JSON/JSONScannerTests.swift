import Sessions
import Testing

/// The documents are those of JSONTestSuite (Nicolas Seriot, "Parsing JSON is a Minefield"), shortened.
@Suite struct JSONScannerTests {
    @Test(arguments: [
        "{}", "[]", " [ ] ", "\t\r\n{ }\n", "null", "true", "false", "0", "-0", "0.0", "-0.0", "1", "123", "-123", "1.5", "1e5", "1E5",
        "1e+5",
        "1e-5", "0e1", "0E+1", "123.456e78", "1e400", "-1e-400", "123456789012345678901234567890", "\"\"", "\"abc\"", "[1,2,3]", "[[],{}]",
        "{\"a\":1}", "{\"a\":1,\"a\":2}", "{\"\":0}", "{\"a\" : [ 1 , 2 ] }", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\u0000\"",
        "\"\\uD834\\uDD1E\"",
        "\"\\ud800\"", "\"\\uDC00\\ud800\"", "\"\\ud800\\n\"", "\"\u{7F}\"", "\"é€𝄞\"", "\"\u{2028}\u{FFFF}\u{10FFFF}\"",
        "[\"a\",null,true,false,{}]",
        "[1.0,-2,3e0]", "[null]\n\n", "{\"asd\":\"sdf\", \"dfg\":\"fgh\"}", "\"exactly8\"", "\"1234567\"", "\"12345678\\n\"",
        "\"0123456789abcdef0123456789abcdef\"",
    ])
    func `what RFC 8259 allows is accepted`(_ text: String) throws {
        var scanner = JSONScanner()
        let value = try scanner.document(text.utf8.span)
        #expect(scanner.position == text.utf8.count)
        #expect(!value.range.isEmpty)
    }

    @Test(
        arguments: [
            ("", .endOfText, 0), (" ", .endOfText, 1), ("[", .endOfText, 1), ("{", .endOfText, 1), ("[1", .endOfText, 2),
            ("[1,", .endOfText, 3),
            ("{\"a\"", .endOfText, 4), ("{\"a\":", .endOfText, 5), ("{\"a\":1", .endOfText, 6), ("{\"a", .endOfText, 3),
            ("\"", .endOfText, 1),
            ("\"abc", .endOfText, 4), ("\"abcdefghijk", .endOfText, 12), ("\"\\", .endOfText, 2), ("\"\\u", .endOfText, 3),
            ("\"\\u12", .endOfText, 5),
            ("-", .endOfText, 1), ("1.", .endOfText, 2), ("1e", .endOfText, 2), ("1e+", .endOfText, 3), ("tru", .endOfText, 3),
            ("nul", .endOfText, 3),
            ("[1,]", .trailingComma, 3), ("{\"a\":1,}", .trailingComma, 7), ("[,1]", .valueExpected, 1), ("[1,,2]", .valueExpected, 3),
            ("[1 2]", .commaOrBracketExpected, 3), ("{\"a\":1 \"b\":2}", .commaOrBraceExpected, 7), ("[1}", .commaOrBracketExpected, 2),
            ("{\"a\":1]", .commaOrBraceExpected, 6), ("{a:1}", .keyExpected, 1), ("{1:1}", .keyExpected, 1), ("{'a':1}", .keyExpected, 1),
            ("{\"a\" 1}", .colonExpected, 5), ("{\"a\"::1}", .valueExpected, 5), ("{,}", .keyExpected, 1), ("]", .valueExpected, 0),
            ("}", .valueExpected, 0), (":", .valueExpected, 0), ("'a'", .valueExpected, 0), ("+1", .valueExpected, 0),
            (".5", .valueExpected, 0),
            ("01", .leadingZero, 0), ("-01", .leadingZero, 1), ("00", .leadingZero, 0), ("1.a", .digitExpected, 2),
            ("-a", .digitExpected, 1),
            ("1e5.5", .textAfterValue, 3), ("0x10", .textAfterValue, 1), ("1_000", .textAfterValue, 1), ("1 2", .textAfterValue, 2),
            ("{}{}", .textAfterValue, 2),
            ("[]]", .textAfterValue, 2), ("nullx", .textAfterValue, 4), ("truE", .valueExpected, 3), ("True", .valueExpected, 0),
            ("nan", .valueExpected, 1),
            ("NaN", .notFinite, 0), ("Infinity", .notFinite, 0), ("-Infinity", .notFinite, 0), ("[-NaN]", .notFinite, 1),
            ("undefined", .valueExpected, 0),
            ("/*c*/1", .valueExpected, 0), ("1//c", .textAfterValue, 1), ("[1/**/]", .commaOrBracketExpected, 2), ("#1", .valueExpected, 0),
            ("\"\u{0}\"", .controlCharacter, 1), ("\"a\nb\"", .controlCharacter, 2), ("\"a\tb\"", .controlCharacter, 2),
            ("\"0123456789\u{1F}\"", .controlCharacter, 11),
            ("\"\\x41\"", .unknownEscape, 2), ("\"\\'\"", .unknownEscape, 2), ("\"\\U0041\"", .unknownEscape, 2),
            ("\"\\\u{0}\"", .unknownEscape, 2),
            ("\"\\u12G4\"", .malformedUnicodeEscape, 5), ("\"\\u\"", .malformedUnicodeEscape, 3),
            ("\"\\u+123\"", .malformedUnicodeEscape, 3),
            ("\u{FEFF}{}", .valueExpected, 0), ("\u{A0}1", .valueExpected, 0), ("\u{C}1", .valueExpected, 0), ("\u{B}1", .valueExpected, 0),
            ("[1\u{0}]", .commaOrBracketExpected, 2),
        ] as [(String, JSONFault.Reason, Int)])
    func `what it does not allow is refused, with the byte`(_ text: String, _ reason: JSONFault.Reason, _ offset: Int) {
        #expect(throws: JSONFault(reason: reason, offset: offset)) {
            var scanner = JSONScanner()
            _ = try scanner.document(text.utf8.span)
        }
    }

    @Test(
        arguments: [
            [0x80], [0xBF], [0xC0, 0x80], [0xC1, 0xBF], [0xC3], [0xC3, 0x28], [0xE0, 0x80, 0x80], [0xE0, 0x9F, 0xBF], [0xE2, 0x82],
            [0xE2, 0x28, 0xA1],
            [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF], [0xF0, 0x80, 0x80, 0x80], [0xF0, 0x8F, 0xBF, 0xBF], [0xF0, 0x9F, 0x98],
            [0xF0, 0x9F, 0x98, 0x28],
            [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xF8, 0x88, 0x80, 0x80, 0x80], [0xFE], [0xFF],
        ] as [[UInt8]])
    func `bytes that are not UTF-8 are refused wherever they stand`(_ bytes: [UInt8]) {
        for padding in 0..<12 {
            let text = [UInt8(ascii: "\"")] + [UInt8](repeating: UInt8(ascii: "x"), count: padding) + bytes + [UInt8(ascii: "\"")]
            #expect(throws: JSONFault(reason: .notUTF8, offset: padding + 1)) {
                var scanner = JSONScanner()
                _ = try scanner.document(text.span)
            }
        }
    }

    @Test func `64 levels are accepted and the 65th is refused at its bracket`() throws {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let inner = open == "[" ? "" : "1"
            var scanner = JSONScanner()
            let deepest = String(repeating: open, count: 64) + inner + String(repeating: close, count: 64)
            _ = try scanner.document(deepest.utf8.span)
            let tooDeep = String(repeating: open, count: 65) + inner + String(repeating: close, count: 65)
            #expect(throws: JSONFault(reason: .tooDeep, offset: 64 * open.utf8.count)) {
                var scanner = JSONScanner()
                _ = try scanner.document(tooDeep.utf8.span)
            }
        }
    }

    @Test func `a million brackets overflow nothing`() {
        let text = [UInt8](repeating: UInt8(ascii: "["), count: 1_000_000)
        #expect(throws: JSONFault(reason: .tooDeep, offset: 64)) {
            var scanner = JSONScanner()
            _ = try scanner.document(text.span)
        }
    }

    @Test func `siblings do not add to the depth`() throws {
        let text = "[" + Array(repeating: "[{}]", count: 1_000).joined(separator: ",") + "]"
        var scanner = JSONScanner()
        _ = try scanner.document(text.utf8.span)
    }

    @Test func `a value's range leaves out the whitespace around it`() throws {
        var scanner = JSONScanner()
        let value = try scanner.document(" \n{\"a\": 1 } ".utf8.span)
        #expect(value.kind == .object)
        #expect(value.range == 2..<11)
    }
}

import Testing

@testable import HTTP

struct LineScannerTests {
    private func lines(_ text: String, lengthMax: Int) throws(HTTPViolation) -> [Range<Int>] {
        let bytes = [UInt8](text.utf8)
        var scanner = LineScanner()
        var lines: [Range<Int>] = []
        while let line = try scanner.next(in: bytes.span, lengthMax: lengthMax, tooLong: .headersTooLarge) { lines.append(line) }
        return lines
    }

    @Test func `lines are found without their CRLF, empty ones too`() throws {
        #expect(try lines("ab\r\n\r\nc\r\nd", lengthMax: 10) == [0..<2, 4..<4, 6..<7])
    }

    @Test func `a line within the limit is found and a longer one refused before its end`() throws {
        #expect(try lines("abc\r\n", lengthMax: 3) == [0..<3])
        #expect(try lines("abc\r", lengthMax: 3) == [])
        #expect(throws: HTTPViolation.headersTooLarge) { try lines("abcd", lengthMax: 3) }
        #expect(throws: HTTPViolation.headersTooLarge) { try lines("abcd\n", lengthMax: 3) }
        #expect(throws: HTTPViolation.bareLineFeed) { try lines("abc\n", lengthMax: 3) }
    }

    @Test func `HTAB and bytes above ASCII pass, controls do not`() throws {
        #expect(try lines("a\t\u{E9}\r\n", lengthMax: 10).count == 1)
        for control in (UInt8(0)..<32).filter({ $0 != 9 && $0 != 10 && $0 != 13 }) + [127] {
            #expect(throws: HTTPViolation.controlByte) { try lines("a\(UnicodeScalar(control))", lengthMax: 10) }
        }
    }
}

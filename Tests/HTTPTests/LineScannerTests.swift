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

    /// Eight bytes are judged at a time: each control at each place, before and behind what else may stand there.
    @Test func `a control byte is found wherever it stands in a long line`() throws {
        for control in (UInt8(0)..<32).filter({ $0 != 9 }) + [127] {
            for place in 0..<24 {
                var bytes = [UInt8](repeating: UInt8(ascii: "~"), count: 24)
                for index in bytes.indices where index % 3 == 0 {
                    bytes[index] = [0x20, 0x80, 0xFF, 0x9F, 0x21, 0xFE, 0xA0, 0x7E][index / 3]
                }
                bytes[place] = control
                var scanner = LineScanner()
                // A CR at the end of what has come may yet be followed by its LF: not more of it is judged.
                let isUndecided = control == 13 && place == bytes.count - 1
                var isRefused = false
                do throws(HTTPViolation) {
                    _ = try scanner.next(in: bytes.span, lengthMax: 100, tooLong: .headersTooLarge)
                } catch {
                    isRefused = true
                }
                #expect(isRefused != isUndecided)
                #expect(scanner.scanned == (control == 13 && !isUndecided ? place + 1 : place))
            }
        }
    }

    @Test func `long lines without controls pass whole`() throws {
        for count in 0..<40 {
            let text = String(repeating: "a\tb ~\u{E9}", count: count)
            #expect(try lines("\(text)\r\n", lengthMax: 400) == [0..<text.utf8.count])
        }
    }
}

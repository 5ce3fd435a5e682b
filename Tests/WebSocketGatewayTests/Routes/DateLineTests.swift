import Sessions
import Testing

@testable import WebSocketGateway

@Suite("The Date of an answer")
struct DateLineTests {
    @Test(
        arguments: [
            // The RFC's example (RFC 9110 §5.6.7); the first second there is; a leap day; the last second of a year.
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"), (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (1_709_164_800, "Thu, 29 Feb 2024 00:00:00 GMT"), (1_798_761_599, "Thu, 31 Dec 2026 23:59:59 GMT"),
            (-5, "Thu, 01 Jan 1970 00:00:00 GMT"),
        ] as [(Int64, String)])
    func `is the time in the one form that is sent`(second: Int64, text: String) {
        var date = DateLine()
        let line = date.line(at: Timestamp(microsecondsSince1970: second * 1_000_000 + 999_999))
        #expect(String(decoding: line, as: UTF8.self) == "Date: \(text)\r\n")
    }

    @Test func `follows the clock, also back`() {
        var date = DateLine()
        let lines = [10, 11, 10].map { second in
            String(decoding: date.line(at: Timestamp(microsecondsSince1970: second * 1_000_000)), as: UTF8.self).suffix(8)
        }
        #expect(lines == [":10 GMT\r\n".suffix(8), ":11 GMT\r\n".suffix(8), ":10 GMT\r\n".suffix(8)])
    }
}

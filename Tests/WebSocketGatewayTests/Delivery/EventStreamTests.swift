import Sessions
import Testing

@testable import WebSocketGateway

@Suite("The text of an event stream")
struct EventStreamTests {
    private func id(_ sequence: UInt64) throws -> EventID { EventID(epoch: try Epoch(parsing: "0123456789abc"), sequence: sequence) }

    private func text(_ data: String, _ id: EventID? = nil) -> String {
        let bytes = Array(data.utf8)
        return String(decoding: EventStream.event(id: id, data: bytes.span), as: UTF8.self)
    }

    @Test(
        arguments: [
            ("", "data: \n\n"),
            ("{}", "data: {}\n\n"),
            (" {}", "data:  {}\n\n"),
            ("a\nb", "data: a\ndata: b\n\n"),
            ("a\rb", "data: a\ndata: b\n\n"),
            ("a\r\nb", "data: a\ndata: b\n\n"),
            ("a\n\rb", "data: a\ndata: \ndata: b\n\n"),
            ("a\n\nb", "data: a\ndata: \ndata: b\n\n"),
            ("a\r\rb", "data: a\ndata: \ndata: b\n\n"),
            ("a\r\r\nb", "data: a\ndata: \ndata: b\n\n"),
            ("a\r\n\r\nb", "data: a\ndata: \ndata: b\n\n"),
            ("a\r\n\nb", "data: a\ndata: \ndata: b\n\n"),
            ("\na", "data: \ndata: a\n\n"),
            ("a\n", "data: a\ndata: \n\n"),
            ("a\r", "data: a\ndata: \n\n"),
            ("\r\n", "data: \ndata: \n\n"),
            (": no comment", "data: : no comment\n\n"),
            ("id: 1", "data: id: 1\n\n"),
            // Line breaks of Unicode are none here, and bytes of a character are never one.
            ("é 😀 \u{2028}\u{85}\u{0B}\u{0C}", "data: é 😀 \u{2028}\u{85}\u{0B}\u{0C}\n\n"),
        ] as [(String, String)])
    func `each line of the data is a field`(data: String, expected: String) {
        #expect(text(data) == expected)
    }

    @Test func `an id stands before the data`() throws {
        #expect(try text("{}", id(42)) == "id: 0123456789abc-42\ndata: {}\n\n")
        #expect(try text("a\nb", id(.max / 2)) == "id: 0123456789abc-9223372036854775807\ndata: a\ndata: b\n\n")
        var composed: [UInt8] = []
        EventStream.appendEvent(id: try id(1), ofLength: 3, to: &composed) { $0.write(ascii: "abc") }
        EventStream.appendEvent(ofLength: 0, to: &composed) { _ in }
        #expect(String(decoding: composed, as: UTF8.self) == "id: 0123456789abc-1\ndata: abc\n\ndata: \n\n")
        #expect(String(decoding: EventStream.retry(milliseconds: 1500), as: UTF8.self) == "retry: 1500\n\n")
    }

    /// Against the standard's own reading: whatever the data, and wherever the stream is cut into pieces.
    @Test(arguments: [1, 2, 3] as [UInt64]) func `a browser reads what was written`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let pieces = ["\n", "\r", "\r\n", " ", ":", "a", "{\"x\":1}", "é", "😀", "data: ", "id: 7", "\u{0}"]
        for round in 1...500 as ClosedRange<UInt64> {
            let data = (0..<Int.random(in: 1...12, using: &random)).map { _ in pieces.randomElement(using: &random) ?? "" }.joined()
            let id = try id(round)
            let bytes = EventStream.event(id: id, data: Array(data.utf8).span)
            var parser = EventStreamParser()
            let cut = Int.random(in: 0...bytes.count, using: &random)
            let events = parser.read(Array(bytes[..<cut])) + parser.read(Array(bytes[cut...]))
            let lines = data.unicodeScalars.reduce(into: (text: "", wasCR: false)) { result, scalar in
                if scalar == "\r" || scalar == "\n" && !result.wasCR { result.text += "\n" }
                if scalar != "\r", scalar != "\n" { result.text.unicodeScalars.append(scalar) }
                result.wasCR = scalar == "\r"
            }
            #expect(events == [.init(data: lines.text, lastID: id.description)], "seed \(seed), round \(round)")
        }
    }
}

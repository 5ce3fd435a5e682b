import Sessions
import Testing

@testable import WebSocketGateway

@Suite("What filters leave of a batch")
struct WantedBytesTests {
    private let now = Timestamp(microsecondsSince1970: 1_773_570_600_123_456)

    private func batch(_ types: [String]) throws -> Batch {
        Batch(
            try types.enumerated().map { index, type in
                let bytes = Array(#"{"type":"\#(type)","data":{"n":\#(index)}}"#.utf8)
                let event = try #require(try EventParser.parse(bytes.span, format: .json).events.first)
                let id = EventID(epoch: try Epoch(parsing: "0123456789abc"), sequence: UInt64(index + 1))
                return Frame(event, of: bytes.span, id: id, timestamp: TimestampText(now), publishedAt: 5)
            }, encodings: Encoding.allCases)
    }

    private func filter(_ text: String) throws -> TypeFilter { try #require(TypeFilter.parse(text)) }

    @Test(arguments: Encoding.allCases) func `the wanted frames are joined in their order`(encoding: Encoding) throws {
        let batch = try batch(["candle", "decision", "candle", "other", "decision"])
        var wanted = WantedBytes()
        for (text, indices) in [("candle", [0, 2]), ("decision,other", [1, 3, 4]), ("ai_thinking", []), ("candle", [0, 2])] {
            let bytes = wanted.bytes(of: batch, by: try filter(text), in: encoding)
            #expect(bytes == indices.flatMap { batch.frames[$0].bytes(in: encoding) })
        }
    }

    @Test func `a batch of one is its frame, or nothing`() throws {
        let batch = try batch(["candle"])
        var wanted = WantedBytes()
        #expect(wanted.bytes(of: batch, by: try filter("candle"), in: .plain) == batch.bytes(in: .plain))
        #expect(wanted.bytes(of: batch, by: try filter("decision"), in: .plain).isEmpty)
    }

    @Test func `a form is made once, and forgotten with its batch`() throws {
        let (first, second) = (try batch(["candle", "decision"]), try batch(["decision", "candle"]))
        var wanted = WantedBytes()
        let form = wanted.bytes(of: first, by: try filter("candle"), in: .plain)
        let again = wanted.bytes(of: first, by: try filter("candle"), in: .plain)
        #expect(unsafe form.withUnsafeBufferPointer(\.baseAddress) == again.withUnsafeBufferPointer(\.baseAddress))
        wanted.removeAll()
        #expect(wanted.bytes(of: second, by: try filter("candle"), in: .plain) == second.frames[1].bytes)
    }

    @Test func `more filters than are kept get their own as well`() throws {
        let batch = try batch(["candle", "decision", "candle"])
        var wanted = WantedBytes()
        for round in 0..<2 {
            for index in 0..<WantedBytes.formsMax + 5 {
                let bytes = wanted.bytes(of: batch, by: try filter("candle,type_\(index)"), in: .plain)
                #expect(bytes == batch.frames[0].bytes + batch.frames[2].bytes, "\(round) \(index)")
            }
        }
    }
}

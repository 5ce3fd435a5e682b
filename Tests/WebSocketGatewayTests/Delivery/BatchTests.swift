import Sessions
import Testing
@testable import WebSocketGateway

@Suite("Batches")
struct BatchTests {
    private let now = Timestamp(microsecondsSince1970: 1_773_570_600_123_456)

    private func frame(_ body: String, sequence: UInt64 = 1) throws -> Frame {
        let bytes = Array(body.utf8)
        let event = try #require(try EventParser.parse(bytes.span, format: .json).events.first)
        let id = EventID(epoch: try Epoch(parsing: "0123456789abc"), sequence: sequence)
        return Frame(event, of: bytes.span, id: id, timestamp: now, publishedAt: 5)
    }

    @Test func `a batch is its frames, joined`() throws {
        let frames = try (1...3).map { try frame(#"{"type":"candle","data":{"n":\#($0)}}"#, sequence: UInt64($0)) }
        #expect(Batch(frames).joined == frames.flatMap(\.bytes))
        #expect(Batch([frames[0]]).joined == frames[0].bytes)
    }

    @Test func `a split says which frames are whole and how far the next one reaches`() throws {
        let frames = try [#"{"type":"a","data":{}}"#, #"{"type":"bbb","data":{"x":1}}"#, #"{"type":"c","data":{}}"#].map { try frame($0) }
        let batch = Batch(frames)
        for count in 0...batch.joined.count {
            let (whole, partial) = batch.split(at: count)
            let before = frames[..<whole].reduce(0) { $0 + $1.bytes.count }
            #expect(before + partial == count)
            if whole < frames.count { #expect(partial < frames[whole].bytes.count) } else { #expect(partial == 0) }
        }
    }
}

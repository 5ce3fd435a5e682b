import Sessions
import Testing
import WebSocket

@testable import WebSocketGateway

@Suite("Batches")
struct BatchTests {
    private let now = Timestamp(microsecondsSince1970: 1_773_570_600_123_456)

    private func frame(_ body: String, sequence: UInt64 = 1) throws -> Frame {
        let bytes = Array(body.utf8)
        let event = try #require(try EventParser.parse(bytes.span, format: .json).events.first)
        let id = EventID(epoch: try Epoch(parsing: "0123456789abc"), sequence: sequence)
        return Frame(event, of: bytes.span, id: id, timestamp: TimestampText(now), publishedAt: 5)
    }

    @Test func `a batch is its frames, joined`() throws {
        let frames = try (1...3).map { try frame(#"{"type":"candle","data":{"n":\#($0)}}"#, sequence: UInt64($0)) }
        #expect(Batch(frames).bytes(in: .plain) == frames.flatMap(\.bytes))
        #expect(Batch([frames[0]]).bytes(in: .plain) == frames[0].bytes)
    }

    @Test func `a batch has each encoding that was asked for, and events below the gain stay plain in it`() throws {
        let data = (0..<60).map { #""open_\#($0)":\#($0)"# }.joined(separator: ",")
        var frames = [try frame(#"{"type":"candle","data":{\#(data)}}"#), try frame(#"{"type":"c","data":{}}"#, sequence: 2)]
        for encoding in [Encoding.window12, .window9] {
            let deflateClass = try #require(encoding.deflateClass)
            let deflater = try #require(Deflater(deflateClass))
            frames[0].deflate(for: encoding, with: deflater)
        }
        let batch = Batch(frames, encodings: Encoding.allCases)
        #expect(batch.bytes(in: .plain) == frames[0].bytes + frames[1].bytes)
        for encoding in [Encoding.window12, .window9] {
            let bytes = batch.bytes(in: encoding)
            #expect(bytes == frames[0].bytes(in: encoding) + frames[1].bytes)
            #expect(bytes[0] == 0xC1, "RSV1 marks the compressed event (RFC 7692 §7.2.1)")
            #expect(bytes.count < batch.bytes(in: .plain).count)
            let split = batch.split(at: frames[0].bytes(in: encoding).count + 3, in: encoding)
            #expect(split == (whole: 1, partial: 3))
        }
    }

    @Test func `a split says which frames are whole and how far the next one reaches`() throws {
        let frames = try [#"{"type":"a","data":{}}"#, #"{"type":"bbb","data":{"x":1}}"#, #"{"type":"c","data":{}}"#].map { try frame($0) }
        let batch = Batch(frames)
        for count in 0...batch.bytes(in: .plain).count {
            let (whole, partial) = batch.split(at: count)
            let before = frames[..<whole].reduce(0) { $0 + $1.bytes.count }
            #expect(before + partial == count)
            if whole < frames.count { #expect(partial < frames[whole].bytes.count) } else { #expect(partial == 0) }
        }
    }

    @Test func `an event stream's text is made once for all, and where it was not asked for when it is needed`() throws {
        let plain = try [#"{"type":"a","data":{}}"#, "{\"type\":\"b\",\"data\":{\n}}"].enumerated().map {
            try frame($1, sequence: UInt64($0 + 1))
        }
        var rendered = plain
        for i in rendered.indices { rendered[i].renderEventStream() }
        let batch = Batch(rendered, encodings: [.eventStream])
        let expected =
            "id: 0123456789abc-1\ndata: {\"id\":\"0123456789abc-1\",\"type\":\"a\",\"data\":{},\"timestamp\":\"2026-03-15T10:30:00.123456Z\"}\n\n"
            + "id: 0123456789abc-2\ndata: {\"id\":\"0123456789abc-2\",\"type\":\"b\",\"data\":{\ndata: },\"timestamp\":\"2026-03-15T10:30:00.123456Z\"}\n\n"
        #expect(String(decoding: batch.bytes(in: .eventStream), as: UTF8.self) == expected)
        #expect(batch.bytes(in: .plain).isEmpty, "nobody asked for it")
        #expect(plain.flatMap { $0.bytes(in: .eventStream) } == batch.bytes(in: .eventStream))
        #expect(plain.map { $0.bytes(in: .window12) } == plain.map(\.bytes))
        #expect(batch.split(at: rendered[0].bytes(in: .eventStream).count + 4, in: .eventStream) == (whole: 1, partial: 4))
    }
}

import Sessions
import Testing

@testable import WebSocketGateway

@Suite("Answers in the order of their requests (RFC 9112 §9.3.2)")
struct AnswerPipelineTests {
    private static func noDate() -> [UInt8] {
        Issue.record("only the answer to a publish asks for the date")
        return []
    }

    private func taken(_ pipeline: inout AnswerPipeline) -> [UInt8] {
        var output: [UInt8] = []
        pipeline.takeReady(into: &output, date: Self.noDate)
        return output
    }

    @Test func `an answer waits for those before it`() {
        var pipeline = AnswerPipeline()
        let (a, b, c) = (
            pipeline.reserve(.init(keepAlive: true)), pipeline.reserve(.init(isBatch: true, keepAlive: false)),
            pipeline.reserve(.init(keepAlive: true))
        )
        pipeline.fill(c, [3])
        #expect(taken(&pipeline) == [])
        #expect(pipeline.awaited(b) == .init(isBatch: true, keepAlive: false))
        pipeline.fill(a, [1])
        #expect(taken(&pipeline) == [1])
        #expect(!pipeline.isEmpty)
        pipeline.fill(b, [2])
        #expect(taken(&pipeline) == [2, 3])
        #expect(pipeline.isEmpty)
    }

    @Test func `an answer that is there already keeps its place`() {
        var pipeline = AnswerPipeline()
        let a = pipeline.reserve(.init(keepAlive: true))
        pipeline.add([9])
        pipeline.fill(a, [1])
        var output: [UInt8] = [0]
        pipeline.takeReady(into: &output, date: Self.noDate)
        #expect(output == [0, 1, 9])
    }

    @Test func `a place is answered once, and only if it was reserved`() {
        var pipeline = AnswerPipeline()
        let a = pipeline.reserve(.init(keepAlive: true))
        pipeline.fill(a, [1])
        pipeline.fill(a, [2])
        pipeline.fill(a + 1, [3])
        #expect(pipeline.awaited(a) == nil && pipeline.awaited(a + 1) == nil)
        #expect(taken(&pipeline) == [1])
        pipeline.fill(a, [4])
        #expect(taken(&pipeline) == [])
        let b = pipeline.reserve(.init(keepAlive: true))
        #expect(b == a + 1)
    }

    @Test(arguments: 0..<10 as Range<UInt64>)
    func `whatever order answers become ready in, they leave in theirs`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var pipeline = AnswerPipeline()
        var (waiting, output): ([(UInt64, UInt8)], [UInt8]) = ([], [])
        for request in 0..<200 as Range<UInt8> {
            waiting.append((pipeline.reserve(.init(keepAlive: true)), request))
            while Int.random(in: 0..<3, using: &generator) == 0, let i = waiting.indices.randomElement(using: &generator) {
                let (number, byte) = waiting.remove(at: i)
                pipeline.fill(number, [byte])
                pipeline.takeReady(into: &output, date: Self.noDate)
            }
        }
        for (number, byte) in waiting.shuffled(using: &generator) { pipeline.fill(number, [byte]) }
        pipeline.takeReady(into: &output, date: Self.noDate)
        #expect(output == Array(0..<200), "seed \(seed)")
        #expect(pipeline.isEmpty)
    }

    @Test func `publishes are answered by their receipts, in their order, and ask for the date once`() throws {
        let epoch = try Epoch(parsing: "0123456789abc")
        func receipt(_ sequence: UInt64) -> PublishReceipt {
            PublishReceipt(
                EventID(epoch: epoch, sequence: sequence),
                EventCounts(connections: 3, sent: 2, queued: 0, behind: 1, conflated: 0, dropped: 0))
        }
        var pipeline = AnswerPipeline()
        let places = [
            pipeline.reserve(.init(keepAlive: true)), pipeline.reserve(.init(isBatch: true, keepAlive: true)),
            pipeline.reserve(.init(keepAlive: false)), pipeline.reserve(.init(keepAlive: true)),
        ]
        pipeline.fill(places[2], receipt(3), isEarly: true)
        pipeline.fill(places[1], receipt(2), isEarly: false)
        pipeline.fill(places[1], receipt(9), isEarly: false)
        pipeline.fill(places[0], [7])
        var (output, asked): ([UInt8], Int) = ([0], 0)
        pipeline.takeReady(into: &output) {
            asked += 1
            return Array("Date: now\r\n".utf8)
        }
        let start = "HTTP/1.1 200 OK\r\nDate: now\r\nContent-Type: application/json\r\n"
        let batch =
            #"{"first_id":"0123456789abc-2","last_id":"0123456789abc-2","count":1,"connections":3,"sent":2,"queued":1,"conflated":0,"dropped":0}"#
        let early = #"{"id":"0123456789abc-3","sequence":3}"#
        #expect(
            String(decoding: output, as: UTF8.self)
                == "\0\u{7}\(start)Content-Length: \(batch.utf8.count)\r\n\r\n\(batch)"
                + "\(start)Connection: close\r\nContent-Length: \(early.utf8.count)\r\n\r\n\(early)")
        #expect(asked == 1 && !pipeline.isEmpty)
    }
}

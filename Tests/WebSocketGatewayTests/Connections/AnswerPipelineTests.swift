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

    @Test func `publishes are answered in their order, and ask for the date once`() throws {
        let epoch = try Epoch(parsing: "0123456789abc")
        func publish(_ sequence: UInt64) -> SinglePublish {
            let counts = EventCounts(connections: 3, sent: 2, queued: 0, behind: 1, conflated: 0, dropped: 0)
            return SinglePublish(EventID(epoch: epoch, sequence: sequence), counts)
        }
        var pipeline = AnswerPipeline()
        let places = (0..<4).map { _ in pipeline.reserve(.init(keepAlive: true)) }
        pipeline.fill(places[2], publish(3), keepAlive: false)
        pipeline.fill(places[1], publish(2), keepAlive: true)
        pipeline.fill(places[1], publish(9), keepAlive: true)
        pipeline.fill(places[0], [7])
        var (output, asked): ([UInt8], Int) = ([0], 0)
        pipeline.takeReady(into: &output) {
            asked += 1
            return Array("Date: now\r\n".utf8)
        }
        func answer(_ sequence: Int, _ fields: String) -> String {
            let body =
                #"{"id":"0123456789abc-\#(sequence)","sequence":\#(sequence),"connections":3,"sent":2,"queued":1,"conflated":0,"dropped":0}"#
            return
                "HTTP/1.1 200 OK\r\nDate: now\r\nContent-Type: application/json\r\n\(fields)Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
        }
        #expect(String(decoding: output, as: UTF8.self) == "\0\u{7}" + answer(2, "") + answer(3, "Connection: close\r\n"))
        #expect(asked == 1 && !pipeline.isEmpty)
    }
}

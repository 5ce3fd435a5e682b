import Testing

@testable import WebSocketGateway

@Suite("Answers in the order of their requests (RFC 9112 §9.3.2)")
struct AnswerPipelineTests {
    private func taken(_ pipeline: inout AnswerPipeline) -> [UInt8] {
        var output: [UInt8] = []
        pipeline.takeReady(into: &output)
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
        pipeline.takeReady(into: &output)
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
                pipeline.takeReady(into: &output)
            }
        }
        for (number, byte) in waiting.shuffled(using: &generator) { pipeline.fill(number, [byte]) }
        pipeline.takeReady(into: &output)
        #expect(output == Array(0..<200), "seed \(seed)")
        #expect(pipeline.isEmpty)
    }
}

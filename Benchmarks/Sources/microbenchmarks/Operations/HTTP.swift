import HTTP
import Sessions
import WebSocket

/// An engine's request and its answer, and a client's upgrade.
extension Benchmark {
    static var http: [Benchmark] {
        [
            parsing("request/upgrade", SampleRequests.upgrade, elements: 1),
            parsing("request/upgrade-in-3", SampleRequests.upgrade, pieces: 3, elements: 1),
            parsing("request/publish-256B", SampleRequests.publish(SampleEvents.position), elements: 2),
            parsing("request/publish-256B-in-3", SampleRequests.publish(SampleEvents.position), pieces: 3, elements: 2),
            publishCheck, publishAnswer, acceptKey, handshake,
        ]
    }

    /// The parser lives on, as it does with its connection.
    private static func parsing(_ name: String, _ request: [UInt8], pieces: Int = 1, elements: Int) -> Benchmark {
        Benchmark(name) { iterations in
            let cuts = (0...pieces).map { $0 * request.count / pieces }
            var parser = RequestParser()
            for _ in 0..<iterations {
                var found = 0
                for piece in 0..<pieces {
                    let bytes = request.span.extracting(cuts[piece]..<cuts[piece + 1])
                    var position = 0
                    while let element = try parser.next(bytes, at: &position) {
                        blackHole(element)
                        found += 1
                    }
                }
                try require(found == elements, "the request is parsed whole")
            }
        }
    }

    private static func parsed(_ request: [UInt8]) throws -> (head: RequestHead, body: [UInt8]) {
        var parser = RequestParser()
        var position = 0
        guard case .head(let head) = try parser.next(request.span, at: &position) else { throw Failure("a request begins with a head") }
        guard head.hasBody else { return (head, []) }
        guard case .body(let body) = try parser.next(request.span, at: &position) else { throw Failure("a publish has a body") }
        return (head, body)
    }

    /// From a parsed request to events found and judged.
    private static var publishCheck: Benchmark {
        Benchmark("publish/check-256B") { iterations in
            let (head, body) = try parsed(SampleRequests.publish(SampleEvents.position))
            let limits = EventLimits()
            for _ in 0..<iterations {
                guard let route = EngineRoutes.publish(head) else { throw Failure("the publish is fine") }
                let checked = try route.check(head)
                blackHole(checked)
                blackHole(try EngineRoutes.events(body, checked.format, limits))
            }
        }
    }

    /// From the counts to the bytes of the 200.
    private static var publishAnswer: Benchmark {
        Benchmark("publish/answer") { iterations in
            let date = Array("Date: Sun, 15 Mar 2026 10:30:00 GMT\r\n".utf8)
            let epoch = try Epoch(parsing: "16ja9qn78j68j")
            var output: [UInt8] = []
            for sequence in 1...iterations {
                let id = EventID(epoch: epoch, sequence: 1_000_000 + UInt64(sequence))
                let receipt = PublishReceipt(
                    firstID: id, lastID: id, count: 1, connections: 250, sent: 249, queued: 1, conflated: 0, dropped: 0)
                output.removeAll(keepingCapacity: true)
                PublishAnswer(receipt: receipt, isBatch: false, isEarly: false).append(to: &output, keepAlive: true, date: date)
                blackHole(output)
            }
        }
    }

    private static var acceptKey: Benchmark {
        Benchmark("handshake/accept-key") { iterations in
            let key = Array("dGhlIHNhbXBsZSBub25jZQ==".utf8)
            for _ in 0..<iterations {
                let accept = AcceptKey(answering: key.span)
                blackHole(accept)
                try require(accept != nil, "libcrypto has SHA-1")
            }
        }
    }

    /// From a parsed request to the bytes of the 101.
    private static var handshake: Benchmark {
        Benchmark("handshake/whole") { iterations in
            let (head, _) = try parsed(SampleRequests.upgrade)
            var response: [UInt8] = []
            for _ in 0..<iterations {
                let acceptance = try Handshake.accept(head, subprotocols: ["wsg.v1"], deflate: true)
                try require(acceptance.deflate != nil, "the browser's offer is met")
                response.removeAll(keepingCapacity: true)
                acceptance.appendResponse(to: &response)
                blackHole(response)
            }
        }
    }
}

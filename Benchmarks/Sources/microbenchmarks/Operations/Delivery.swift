import Sessions
import WebSocket

/// From a publish's body to what sockets are given, and what waits where they do not take it.
extension Benchmark {
    static var delivery: [Benchmark] {
        [
            publishedToFrame("delivery/frame-256B", SampleEvents.position),
            publishedToFrame("delivery/frame-4KiB", SampleEvents.candles, iterations: 100),
            batch, filter, deflate, outbox, heartbeat,
        ]
    }

    /// What a publish costs its session's home, whoever watches: parsed, numbered, encoded.
    private static func publishedToFrame(_ name: String, _ body: [UInt8], iterations: Int = 400) -> Benchmark {
        Benchmark(name, iterations: iterations) { iterations in
            var stream = SessionStream()
            var random = SystemRandomNumberGenerator()
            for microsecond in 1...iterations {
                for event in try EventParser.parse(body.span, format: .json).events {
                    let place = stream.append(now: time(microsecond), epoch: Epoch.random(using: &random))
                    blackHole(frame(event, of: body, place))
                }
            }
        }
    }

    private static func frame(_ event: PublishedEvent, of body: [UInt8], _ place: (id: EventID, timestamp: Timestamp)) -> Frame {
        Frame(event, of: body.span, id: place.id, timestamp: TimestampText(place.timestamp), publishedAt: 0)
    }

    private static func frames(_ count: Int, of body: [UInt8]) throws -> [Frame] {
        let event = try EventParser.parse(body.span, format: .json).events[0]
        let epoch = try Epoch(parsing: "16ja9qn78j68j")
        var stream = SessionStream()
        return (0..<count).map { frame(event, of: body, stream.append(now: time($0), epoch: epoch)) }
    }

    /// The events of one turn joined.
    private static var batch: Benchmark {
        Benchmark("delivery/batch-of-32") { iterations in
            let frames = try frames(32, of: SampleEvents.position)
            for _ in 0..<iterations { blackHole(Batch(frames)) }
        }
    }

    /// What an event costs each connection that wants only some types.
    private static var filter: Benchmark {
        Benchmark("delivery/filter") { iterations in
            let frame = try frames(1, of: SampleEvents.position)[0]
            guard let filter = TypeFilter.parse("candle,position_updated") else { throw Failure("the filter is fine") }
            for _ in 0..<iterations {
                let isWanted = frame.isWanted(by: filter)
                blackHole(isWanted)
                try require(isWanted, "the filter names the type")
            }
        }
    }

    /// The frame for all who take it compressed, of a frame that is there.
    private static var deflate: Benchmark {
        Benchmark("delivery/deflate-4KiB", iterations: 100) { iterations in
            let frame = try frames(1, of: SampleEvents.candles)[0]
            guard let deflater = Deflater(.window12) else { throw Failure("there is memory for a deflater") }
            for _ in 0..<iterations {
                var frame = frame
                frame.deflate(for: .window12, with: deflater)
                blackHole(frame)
                try require(frame.bytes(in: .window12).count < frame.bytes.count, "candles are compressible")
            }
        }
    }

    /// A connection that lags for a moment: four frames wait, the first partly sent, a pong overtakes the others, two sends take it all.
    private static var outbox: Benchmark {
        Benchmark("outbox/lag-of-4") { iterations in
            let frames = try frames(4, of: SampleEvents.position).map(\.bytes)
            let pong = FrameEncoder.frame(.pong, SampleMessages.command)
            var joined: [UInt8] = []
            for _ in 0..<iterations {
                var outbox = Outbox()
                outbox.append(frames[0], sent: 100)
                for frame in frames[1...] { outbox.append(frame) }
                blackHole(outbox.insertPong(pong))
                joined.removeAll(keepingCapacity: true)
                outbox.gather(into: &joined, max: Batch.bytesMax)
                blackHole(joined)
                var finished = outbox.consume(joined.count / 2)
                finished += outbox.consume(joined.count - joined.count / 2)
                blackHole(outbox)
                try require(finished == 5 && outbox.isEmpty, "everything is sent")
            }
        }
    }

    private static var heartbeat: Benchmark {
        Benchmark("heartbeat/frame") { iterations in
            let epoch = try Epoch(parsing: "16ja9qn78j68j")
            for sequence in 1...iterations {
                let id = EventID(epoch: epoch, sequence: 1_000_000 + UInt64(sequence))
                blackHole(
                    OwnMessages.heartbeat(
                        now: time(sequence), lastID: id, delivered: id.sequence, roundTripNanoseconds: 12_345_000, for: .webSocket))
            }
        }
    }
}

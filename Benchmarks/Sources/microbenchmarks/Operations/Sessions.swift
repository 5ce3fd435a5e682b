import Sessions

/// Reading events, numbering them, and the texts in between.
extension Benchmark {
    static var sessions: [Benchmark] {
        [
            eventParsing("event/parse-256B", SampleEvents.position),
            eventParsing("event/parse-4KiB", SampleEvents.candles, iterations: 100),
            jsonCheck, eventIDParsing, eventIDFormatting, timestampFormatting, timestampParsing, streamAppending, streamResuming, command,
        ]
    }

    private static func eventParsing(_ name: String, _ body: [UInt8], iterations: Int = 400) -> Benchmark {
        Benchmark(name, iterations: iterations) { iterations in
            for _ in 0..<iterations { blackHole(try EventParser.parse(body.span, format: .json)) }
        }
    }

    private static var jsonCheck: Benchmark {
        Benchmark("json/check-4KiB", iterations: 100) { iterations in
            let text = SampleEvents.candles
            for _ in 0..<iterations {
                var scanner = JSONScanner()
                blackHole(try scanner.document(text.span))
            }
        }
    }

    private static var eventIDParsing: Benchmark {
        Benchmark("event-id/parse") { iterations in
            let text = "16ja9qn78j68j-1000042"
            for _ in 0..<iterations { blackHole(try EventID(parsing: text)) }
        }
    }

    private static var eventIDFormatting: Benchmark {
        Benchmark("event-id/format") { iterations in
            let epoch = try Epoch(parsing: "16ja9qn78j68j")
            for sequence in 1...iterations { blackHole(EventID(epoch: epoch, sequence: 1_000_000 + UInt64(sequence)).description) }
        }
    }

    private static var timestampFormatting: Benchmark {
        Benchmark("timestamp/format") { iterations in
            var bytes: [UInt8] = []
            bytes.reserveCapacity(Timestamp.iso8601Bytes)
            for microsecond in 1...iterations {
                bytes.removeAll(keepingCapacity: true)
                time(microsecond).append(to: &bytes)
                blackHole(bytes)
            }
        }
    }

    private static var timestampParsing: Benchmark {
        Benchmark("timestamp/parse") { iterations in
            let text = Array("2026-03-15T10:30:00.123456Z".utf8)
            for _ in 0..<iterations {
                let time = Timestamp.parse(text.span)
                blackHole(time)
                try require(time != nil, "the text is a time")
            }
        }
    }

    private static var streamAppending: Benchmark {
        Benchmark("stream/append") { iterations in
            var stream = SessionStream()
            var random = SystemRandomNumberGenerator()
            for microsecond in 1...iterations {
                blackHole(stream.append(now: time(microsecond), epoch: Epoch.random(using: &random)))
            }
        }
    }

    private static var streamResuming: Benchmark {
        Benchmark("stream/resume") { iterations in
            let epoch = try Epoch(parsing: "16ja9qn78j68j")
            var stream = SessionStream()
            let id = stream.append(now: time(0), epoch: epoch).id
            for _ in 0..<iterations {
                let answer = stream.resume(from: id, kept: 1)
                blackHole(answer)
                try require(answer.recovered, "nothing was missed")
            }
        }
    }

    private static var command: Benchmark {
        Benchmark("command/parse-32B") { iterations in
            let message = SampleMessages.command
            for _ in 0..<iterations { blackHole(try ClientCommand.parse(message.span)) }
        }
    }

    /// 2026-03-15T10:30:00Z and so many microseconds.
    static func time(_ microsecond: Int) -> Timestamp { Timestamp(microsecondsSince1970: 1_773_570_600_000_000 + Int64(microsecond)) }
}

import micromeasure

/// What is asked before any work is done for a peer.
extension Benchmark {
    static var limits: [Benchmark] { [tokenBucket, messageMeter] }

    /// Within its rate: what everybody pays.
    private static var tokenBucket: Benchmark {
        Benchmark("limits/token-bucket") { iterations in
            let limit = rate(50, burst: 100)
            var bucket = TokenBucket()
            for turn in 1...iterations {
                let isTaken = bucket.take(now: UInt64(turn) * 20, limit)
                blackHole(isTaken)
                try require(isTaken, "the rate is kept")
            }
        }
    }

    private static var messageMeter: Benchmark {
        Benchmark("limits/message-meter") { iterations in
            let limits = MessageMeter.Limits(
                messages: rate(50, burst: 100), bytes: rate(65_536, burst: 262_144), excessMax: 100)
            var meter = MessageMeter()
            for turn in 1...iterations {
                let verdict = meter.receive(bytes: 32, now: UInt64(turn) * 20, limits)
                blackHole(verdict)
                try require(verdict == .allowed, "the rate is kept")
            }
        }
    }

    /// Divided by a setting, not by a constant.
    private static func rate(_ perSecond: UInt64, burst: UInt64) -> RateLimit {
        RateLimit(perSecond: wsg_unknown(perSecond), burst: wsg_unknown(burst))
    }
}

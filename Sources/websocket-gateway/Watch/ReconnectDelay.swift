/// When to come back after a connection was lost: as the existing front end does, five tries in a row, each twice as late as the one before.
struct ReconnectDelay {
    static let triesMax = 5
    static let firstMilliseconds = 1000.0
    static let longestMilliseconds = 30_000.0

    private(set) var tries = 0

    /// The next delay; nil when there were enough tries.
    /// - Parameters:
    ///   - atLeast: what the gateway asked for (`retry-after-ms=`).
    ///   - jitter: 0 to 1. A gateway that restarts should not get everybody back in the same moment: half of the delay is chance.
    mutating func next(atLeast: UInt64 = 0, jitter: Double = .random(in: 0...1)) -> UInt64? {
        guard tries < Self.triesMax else { return nil }
        var delay = Self.firstMilliseconds
        for _ in 0..<tries { delay *= 2 }
        tries += 1
        delay = min(delay, Self.longestMilliseconds)
        return max(UInt64(delay * (0.5 + jitter / 2)), min(atLeast, UInt64(Self.longestMilliseconds)))
    }

    /// The gateway let us in again.
    mutating func reset() { tries = 0 }

    /// `draining; retry-after-ms=1234` in a close reason.
    static func retryAfterMilliseconds(in reason: String) -> UInt64? {
        let name = "retry-after-ms="
        for part in reason.split(whereSeparator: { $0 == ";" || $0 == " " }) where part.hasPrefix(name) {
            return UInt64(part.dropFirst(name.count))
        }
        return nil
    }
}

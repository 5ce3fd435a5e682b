/// Where a client that does not resume begins: the `join` of its query, or its session's setting.
public enum JoinMode: Sendable, Hashable, CustomStringConvertible {
    /// What is published from now on.
    case live

    /// The whole history first.
    case all

    /// That many of the latest events first: 0 to 10,000,000.
    case latest(Int)

    package static let latestMax = 10_000_000

    /// Reads `live`, `all` or a number in digits.
    /// - Returns: nil for anything else.
    package static func parse(_ text: some StringProtocol) -> JoinMode? {
        switch text {
        case "live": return .live
        case "all": return .all
        default: return count(text).map(JoinMode.latest)
        }
    }

    public var description: String {
        switch self {
        case .live: "live"
        case .all: "all"
        case .latest(let count): String(count)
        }
    }

    /// Digits alone: `Int.init` would take a sign too.
    private static func count(_ text: some StringProtocol) -> Int? {
        var value = 0
        for byte in text.utf8 {
            guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
            value = value * 10 + Int(byte - UInt8(ascii: "0"))
            guard value <= latestMax else { return nil }
        }
        return text.isEmpty ? nil : value
    }
}

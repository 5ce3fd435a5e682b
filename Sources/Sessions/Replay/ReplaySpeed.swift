/// How fast a recorded session is played: `0.5x` to `100x` of the pace it was recorded at, or `max`.
package enum ReplaySpeed: Sendable, Hashable, CustomStringConvertible {
    /// Thousandths of the recorded pace: 500 to 100,000.
    case times(thousandths: UInt64)
    /// As fast as the client takes it.
    case max

    package static let thousandths: ClosedRange<UInt64> = 500...100_000
    /// What a text has to be, for people.
    package static let rule = "0.5x to 100x, with up to three decimals, or max"

    /// Reads digits, a fraction of one to three digits if there is one, and `x`; or `max`.
    /// - Returns: nil for anything else.
    package static func parse(_ text: some StringProtocol) -> ReplaySpeed? {
        if text == "max" { return .max }
        let bytes = Array(text.utf8)
        guard bytes.last == UInt8(ascii: "x") else { return nil }
        var value: UInt64 = 0
        var digits = 0
        var decimals: Int?
        for byte in bytes.dropLast() {
            if byte == UInt8(ascii: "."), digits > 0, decimals == nil {
                decimals = 0
                continue
            }
            guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9"), digits < 6, decimals ?? 0 < 3 else { return nil }
            value = value * 10 + UInt64(byte - UInt8(ascii: "0"))
            digits += 1
            decimals = decimals.map { $0 + 1 }
        }
        guard digits > 0, decimals != 0 else { return nil }
        for _ in (decimals ?? 0)..<3 { value *= 10 }
        return thousandths.contains(value) ? .times(thousandths: value) : nil
    }

    /// As ``parse(_:)`` reads it, without zeros that say nothing.
    package var description: String {
        guard case .times(let thousandths) = self else { return "max" }
        var fraction = String(1000 + thousandths % 1000).dropFirst()
        while fraction.last == "0" { fraction.removeLast() }
        return "\(thousandths / 1000)" + (fraction.isEmpty ? "x" : ".\(fraction)x")
    }

    /// How long `recorded` takes at this speed, in the same unit.
    func duration(of recorded: UInt64) -> UInt64 {
        guard case .times(let thousandths) = self else { return 0 }
        let (product, overflows) = recorded.multipliedReportingOverflow(by: 1000)
        return overflows ? .max : product / thousandths
    }

    /// How much of a recording is played in `time`, in the same unit.
    func recorded(in time: UInt64) -> UInt64 {
        guard case .times(let thousandths) = self else { return 0 }
        let (product, overflows) = time.multipliedReportingOverflow(by: thousandths)
        return overflows ? .max : product / 1000
    }
}

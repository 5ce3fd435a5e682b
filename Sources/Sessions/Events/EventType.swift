/// What an event is about: `[a-z][a-z0-9_]{0,63}`.
public struct EventType: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
    /// The longest type, in bytes.
    public static let bytesMax = 64

    public let rawValue: String

    /// - Returns: nil unless `rawValue` matches `[a-z][a-z0-9_]{0,63}`, and nil for `connected`, `conflated`, `lost` and `closed`:
    ///   the gateway's own words, which nobody else can publish.
    public init?(rawValue: String) {
        let bytes = rawValue.utf8.span
        guard Self.isWellFormed(bytes), !Self.isReserved(bytes) else { return nil }
        self.rawValue = rawValue
    }

    init(unchecked rawValue: String) {
        self.rawValue = rawValue
    }

    public var description: String { rawValue }

    /// Whether `bytes` match `[a-z][a-z0-9_]{0,63}`.
    package static func isWellFormed(_ bytes: Span<UInt8>) -> Bool { isWellFormed(bytes, 0..<bytes.count) }

    /// Whether the text's bytes in `range` do.
    static func isWellFormed(_ text: Span<UInt8>, _ range: Range<Int>) -> Bool {
        guard range.count >= 1, range.count <= bytesMax, text[range.lowerBound] &- UInt8(ascii: "a") < 26 else { return false }
        return text.end(of: TypeCharacters.self, from: range.lowerBound) >= range.upperBound
    }
}

/// `[a-z0-9_]`.
private enum TypeCharacters: ByteRun {
    @inline(__always)
    static func ends(_ block: Block) -> SIMDMask<Block> {
        let outside = (block .< Block(repeating: 0x30)) .| (block .> Block(repeating: 0x7A))
        let beforeLetters = (block .> Block(repeating: 0x39)) .& (block .< Block(repeating: 0x61))
        return outside .| (beforeLetters .^ (block .== Block(repeating: 0x5F)))
    }
}

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
    package static func isWellFormed(_ bytes: Span<UInt8>) -> Bool {
        guard bytes.count >= 1, bytes.count <= bytesMax, isLetter(bytes[0]) else { return false }
        for index in 1..<bytes.count {
            let byte = bytes[index]
            guard isLetter(byte) || isDigit(byte) || byte == UInt8(ascii: "_") else { return false }
        }
        return true
    }

    private static func isLetter(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "a") < 26 }
    private static func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }
}

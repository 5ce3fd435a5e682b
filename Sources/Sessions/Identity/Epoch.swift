/// One unbroken run of a session's sequence numbers: 13 to 26 of `[0-9a-z]`.
///
/// It changes only when continuity was lost, so that no id a client has seen is ever given to another event.
public struct Epoch: Sendable, Hashable, CustomStringConvertible {
    public let description: String

    /// Reads an epoch that somebody else wrote.
    /// - Throws: ``EventIDError/malformedEpoch`` unless `text` is 13 to 26 of `[0-9a-z]`.
    public init(parsing text: some StringProtocol) throws(EventIDError) {
        var count = 0
        for byte in text.utf8 {
            count += 1
            guard count <= Self.bytesMax, Self.allows(byte) else { throw .malformedEpoch }
        }
        guard count >= Self.bytesMin else { throw .malformedEpoch }
        description = String(text)
    }

    /// A new epoch of 64 random bits, always 13 characters (36¹³ is just over 2⁶⁴).
    public static func random(using generator: inout some RandomNumberGenerator) -> Epoch {
        var rest: UInt64 = generator.next()
        var digits: [UInt8] = []
        for _ in 0..<bytesMin {
            let digit = UInt8(rest % 36)
            digits.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
            rest /= 36
        }
        return Epoch(checked: String(decoding: digits.reversed(), as: UTF8.self))
    }

    private static let bytesMin = 13
    private static let bytesMax = 26

    private init(checked text: String) {
        description = text
    }

    private static func allows(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"): true
        default: false
        }
    }
}

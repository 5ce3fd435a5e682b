/// One unbroken run of a session's sequence numbers: 13 to 26 of `[0-9a-z]`.
///
/// It changes only when continuity was lost, so that no id a client has seen is ever given to another event.
public struct Epoch: Sendable, Hashable, CustomStringConvertible {
    /// Its characters in ASCII, eight in a word, the first one lowest; what is left over is 0. Not a String: each copy of one is a question to the
    /// runtime, and an event's id is copied again and again on its way.
    private let first: UInt64
    private let second: UInt64
    private let third: UInt64
    private let fourth: UInt16
    private let count: UInt8

    /// Reads an epoch that somebody else wrote.
    /// - Throws: ``EventIDError/malformedEpoch`` unless `text` is 13 to 26 of `[0-9a-z]`.
    public init(parsing text: some StringProtocol) throws(EventIDError) {
        var words: [4 of UInt64] = [0, 0, 0, 0]
        var count = 0
        for byte in text.utf8 {
            guard count < Self.bytesMax, Self.allows(byte) else { throw .malformedEpoch }
            words[count / 8] |= UInt64(byte) << (count % 8 * 8)
            count += 1
        }
        guard count >= Self.bytesMin else { throw .malformedEpoch }
        self.init(words, count: count)
    }

    public var description: String { ByteWriter.text(encodedLength) { write(to: &$0) } }

    /// Of ``description``, in bytes.
    package var encodedLength: Int { Int(count) }

    /// Writes ``description``.
    package func write(to writer: inout ByteWriter) {
        let count = Int(count)
        writer.write(characters: first, count: 8)
        // Those that are made here.
        if count == Self.bytesMin { return writer.write(characters: second, count: Self.bytesMin - 8) }
        writer.write(characters: second, count: min(8, count - 8))
        guard count > 16 else { return }
        writer.write(characters: third, count: min(8, count - 16))
        if count > 24 { writer.write(characters: UInt64(fourth), count: count - 24) }
    }

    /// A new epoch of 64 random bits, always 13 characters (36¹³ is just over 2⁶⁴).
    public static func random(using generator: inout some RandomNumberGenerator) -> Epoch {
        var rest: UInt64 = generator.next()
        var words: [4 of UInt64] = [0, 0, 0, 0]
        for index in (0..<bytesMin).reversed() {
            let digit = UInt8(rest % 36)
            words[index / 8] |= UInt64(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10) << (index % 8 * 8)
            rest /= 36
        }
        return Epoch(words, count: bytesMin)
    }

    private static let bytesMin = 13
    private static let bytesMax = 26

    private init(_ words: [4 of UInt64], count: Int) {
        (first, second, third, fourth) = (words[0], words[1], words[2], UInt16(words[3]))
        self.count = UInt8(count)
    }

    private static func allows(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"): true
        default: false
        }
    }
}

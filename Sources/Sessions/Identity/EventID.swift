/// The place of one event in its session's stream, written `<epoch>-<sequence>`.
///
/// The sequence starts at 1 and grows by exactly 1 with each event of an epoch.
public struct EventID: Sendable, Hashable, CustomStringConvertible {
    public let epoch: Epoch

    /// 1 to 2⁶³ - 1.
    public let sequence: UInt64

    package init(epoch: Epoch, sequence: UInt64) {
        self.epoch = epoch
        self.sequence = sequence
    }

    /// Reads an id as a client or an engine sends it back.
    /// - Throws: ``EventIDError`` for anything the gateway cannot have written: no dash, a malformed epoch, a sequence
    ///   that is not 1 to 2⁶³ - 1 in decimal digits without leading zeros.
    public init(parsing text: some StringProtocol) throws(EventIDError) {
        guard let dash = text.utf8.firstIndex(of: UInt8(ascii: "-")) else { throw .noSequence }
        let epoch = try Epoch(parsing: text[..<dash])
        let sequence = try Self.sequence(text.utf8[text.utf8.index(after: dash)...])
        self.init(epoch: epoch, sequence: sequence)
    }

    public var description: String { ByteWriter.text(encodedLength) { write(to: &$0) } }

    /// Appends ``description``.
    package func append(to bytes: inout [UInt8]) {
        ByteWriter.append(encodedLength, to: &bytes) { write(to: &$0) }
    }

    /// Of ``description``, in bytes.
    package var encodedLength: Int { epoch.encodedLength + 1 + ASCII.decimalDigits(sequence) }

    /// Writes ``description``.
    package func write(to writer: inout ByteWriter) {
        epoch.write(to: &writer)
        writer.write(UInt8(ascii: "-"))
        writer.write(decimal: sequence)
    }

    private static func sequence(_ digits: some Collection<UInt8>) throws(EventIDError) -> UInt64 {
        var value: UInt64 = 0
        var count = 0
        for byte in digits {
            count += 1
            // 19 digits hold 2⁶³ - 1, and no 19 digits overflow 64 bits.
            guard count <= 19, byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { throw .malformedSequence }
            if count == 1, byte == UInt8(ascii: "0") { throw .malformedSequence }
            value = value * 10 + UInt64(byte - UInt8(ascii: "0"))
        }
        guard count > 0, value <= UInt64(Int64.max) else { throw .malformedSequence }
        return value
    }
}

/// Why a text is no ``EventID``.
public enum EventIDError: Error, Sendable, Equatable, CustomStringConvertible {
    case noSequence
    case malformedEpoch
    case malformedSequence

    public var description: String {
        switch self {
        case .noSequence: "an event id is <epoch>-<sequence>"
        case .malformedEpoch: "an event id's epoch is 13 to 26 of 0-9 a-z"
        case .malformedSequence: "an event id's sequence is 1 to 9223372036854775807, in digits without leading zeros"
        }
    }
}

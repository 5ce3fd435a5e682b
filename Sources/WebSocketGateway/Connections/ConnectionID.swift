internal import Sessions

/// A connection's public name: a UUID (RFC 9562 version 4 in form).
///
/// 90 of its bits are random; the others are the connection's worker and slot, so that a lookup needs no table. They are hidden by a mask made
/// at the start, and a lookup compares the whole id, so that a guessed one finds nothing.
public struct ConnectionID: Sendable, Hashable, CustomStringConvertible {
    let high: UInt64
    let low: UInt64

    static let mask = UInt64.random(in: 0...UInt64.max) & 0xffff_ffff

    init(worker: Int, slot: UInt32, using random: inout some RandomNumberGenerator) {
        high = random.next() & 0xffff_ffff_ffff_0fff | 0x4000
        let place = (UInt64(worker & 0xff) << 24 | UInt64(slot & 0xff_ffff)) ^ Self.mask
        low = 0x8000_0000_0000_0000 | (random.next() & 0x3fff_ffff) << 32 | place
    }

    var worker: Int { Int((low ^ Self.mask) >> 24 & 0xff) }
    var slot: UInt32 { UInt32((low ^ Self.mask) & 0xff_ffff) }

    /// Parses the 36-character form, in either case.
    public init?(_ text: some StringProtocol) {
        let bytes = Array(text.utf8)
        guard bytes.count == 36 else { return nil }
        var value: (UInt64, UInt64) = (0, 0)
        for (i, byte) in bytes.enumerated() {
            if i == 8 || i == 13 || i == 18 || i == 23 {
                guard byte == UInt8(ascii: "-") else { return nil }
                continue
            }
            let digit: UInt64
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = UInt64(byte - 48)
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = UInt64(byte - 87)
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = UInt64(byte - 55)
            default: return nil
            }
            value = (value.0 << 4 | value.1 >> 60, value.1 << 4 | digit)
        }
        (high, low) = value
    }

    public var description: String {
        String(decoding: ByteWriter.compose(Self.encodedLength) { write(to: &$0) }, as: UTF8.self)
    }

    /// Of ``description``, in bytes.
    static let encodedLength = 36

    /// Writes ``description``.
    func write(to writer: inout ByteWriter) {
        writer.write(hexadecimal: high >> 32, count: 8)
        writer.write(UInt8(ascii: "-"))
        writer.write(hexadecimal: high >> 16, count: 4)
        writer.write(UInt8(ascii: "-"))
        writer.write(hexadecimal: high, count: 4)
        writer.write(UInt8(ascii: "-"))
        writer.write(hexadecimal: low >> 48, count: 4)
        writer.write(UInt8(ascii: "-"))
        writer.write(hexadecimal: low, count: 12)
    }
}

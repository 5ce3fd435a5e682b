/// Whether a stream of bytes is UTF-8 (RFC 3629), judged at each byte: RFC 6455 §8.1 fails a connection for text that is not,
/// and a message may be cut anywhere, even inside a character.
///
/// The states are those of Unicode's Table 3-7 (Well-Formed UTF-8 Byte Sequences): only the second byte's range depends on the first,
/// and that range is what keeps out overlong forms (C0, C1, E0 80, F0 80), surrogates (ED A0) and what lies beyond U+10FFFF (F4 90).
package struct UTF8Validator: Sendable {
    /// Continuation bytes the open character still needs.
    private var missing: UInt8 = 0
    private var nextMin: UInt8 = 0x80
    private var nextMax: UInt8 = 0xBF

    package init() {}

    /// No character is open: the text may end here.
    package var isComplete: Bool { missing == 0 }

    /// False at the first byte that no valid text can have there; nothing may be fed after that.
    package mutating func feed(_ bytes: Span<UInt8>) -> Bool {
        var index = 0
        while index < bytes.count {
            if isComplete {
                index = Self.endOfASCII(bytes, from: index)
                guard index < bytes.count else { return true }
            }
            guard receive(bytes[index]) else { return false }
            index += 1
        }
        return true
    }

    private mutating func receive(_ byte: UInt8) -> Bool {
        guard isComplete else {
            guard nextMin <= byte && byte <= nextMax else { return false }
            expect(missing - 1)
            return true
        }
        switch byte {
        case 0x00...0x7F: break
        case 0xC2...0xDF: expect(1)
        case 0xE0: expect(2, from: 0xA0)
        case 0xED: expect(2, through: 0x9F)
        case 0xE1...0xEF: expect(2)
        case 0xF0: expect(3, from: 0x90)
        case 0xF1...0xF3: expect(3)
        case 0xF4: expect(3, through: 0x8F)
        default: return false
        }
        return true
    }

    private mutating func expect(_ count: UInt8, from min: UInt8 = 0x80, through max: UInt8 = 0xBF) {
        missing = count
        nextMin = min
        nextMax = max
    }

    /// The first byte from `index` on that is not ASCII. JSON is nearly all ASCII: 32 bytes at a time, then one.
    private static func endOfASCII(_ bytes: Span<UInt8>, from index: Int) -> Int {
        var index = index
        // Most calls inside other scripts end at once.
        guard bytes[index] < 0x80 else { return index }
        let raw = unsafe bytes.bytes
        while raw.byteCount - index >= 32 {
            // Unaligned loads of integers out of a checked range: nothing unsafe but the name.
            let a = unsafe raw.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self)
            let b = unsafe raw.unsafeLoadUnaligned(fromByteOffset: index + 8, as: UInt64.self)
            let c = unsafe raw.unsafeLoadUnaligned(fromByteOffset: index + 16, as: UInt64.self)
            let d = unsafe raw.unsafeLoadUnaligned(fromByteOffset: index + 24, as: UInt64.self)
            guard (a | b | c | d) & 0x8080_8080_8080_8080 == 0 else { break }
            index += 32
        }
        while index < bytes.count && bytes[index] < 0x80 { index += 1 }
        return index
    }
}

/// The little of DER (X.690) that keys and signatures need.
enum DER {
    static func sequence(_ contents: [UInt8]...) -> [UInt8] { element(0x30, contents.flatMap(\.self)) }

    /// A number that is not negative, big-endian: without leading zeros, but with one where the first bit would make it negative (§8.3).
    static func integer(_ bytes: Span<UInt8>) -> [UInt8] {
        var start = 0
        while start < bytes.count - 1, bytes[start] == 0 { start += 1 }
        var value: [UInt8] = bytes.isEmpty || bytes[start] >= 0x80 ? [0] : []
        for index in start..<bytes.count { value.append(bytes[index]) }
        return element(0x02, value)
    }

    /// Whole bytes: none of the last one's bits is unused.
    static func bitString(_ bytes: [UInt8]) -> [UInt8] { element(0x03, [0] + bytes) }

    static func element(_ tag: UInt8, _ contents: [UInt8]) -> [UInt8] {
        if contents.count < 128 { return [tag, UInt8(contents.count)] + contents }
        var digits: [UInt8] = []
        var rest = contents.count
        while rest > 0 {
            digits.insert(UInt8(truncatingIfNeeded: rest), at: 0)
            rest >>= 8
        }
        return [tag, 0x80 | UInt8(digits.count)] + digits + contents
    }
}

/// Writes frames (RFC 6455 §5.2): lengths in their shortest form, unmasked as a server must, masked for our client tools.
package enum FrameEncoder {
    /// §5.5: "All control frames MUST have a payload length of 125 bytes or less".
    package static let controlPayloadBytesMax = 125

    /// The header of an unmasked frame.
    package static func header(_ opcode: Opcode, payloadLength: Int, fin: Bool = true, rsv1: Bool = false) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(headerLength(payloadLength: payloadLength))
        appendHeader(opcode, payloadLength: payloadLength, fin: fin, rsv1: rsv1, to: &bytes)
        return bytes
    }

    /// Of an unmasked frame; the masking key adds 4.
    package static func headerLength(payloadLength: Int) -> Int {
        switch payloadLength {
        case ...125: 2
        case ...65_535: 4
        default: 10
        }
    }

    /// Writes the header in place, with the masking key (wire order, most significant byte first) where there is one.
    /// `rsv1` on the first frame of a message says that it is compressed (RFC 7692 §6).
    package static func appendHeader(
        _ opcode: Opcode, payloadLength: Int, fin: Bool = true, rsv1: Bool = false, maskingKey: UInt32? = nil, to bytes: inout [UInt8]
    ) {
        precondition(payloadLength >= 0, "a length is not negative")
        precondition(!opcode.isControl || fin && payloadLength <= controlPayloadBytesMax, "a control frame is whole and short (§5.5)")
        precondition(!rsv1 || opcode == .text || opcode == .binary, "RSV1 stands on a message's first frame (RFC 7692 §6.1)")
        bytes.append((fin ? 0x80 : 0) | (rsv1 ? 0x40 : 0) | opcode.rawValue)
        let maskBit: UInt8 = maskingKey == nil ? 0 : 0x80
        switch headerLength(payloadLength: payloadLength) {
        case 2:
            bytes.append(maskBit | UInt8(truncatingIfNeeded: payloadLength))
        case 4:
            bytes.append(maskBit | 126)
            appendBigEndian(UInt64(payloadLength), width: 2, to: &bytes)
        default:
            bytes.append(maskBit | 127)
            appendBigEndian(UInt64(payloadLength), width: 8, to: &bytes)
        }
        if let maskingKey { appendBigEndian(UInt64(maskingKey), width: 4, to: &bytes) }
    }

    /// The header of a whole unmasked frame of at most 65,535 bytes as a word, its first byte lowest, and how many bytes it has: for who writes words.
    package static func shortHeader(_ opcode: Opcode, payloadLength: Int, rsv1: Bool = false) -> (word: UInt64, count: Int)? {
        let first = UInt64(0x80 | (rsv1 ? 0x40 : 0) | opcode.rawValue)
        switch payloadLength {
        case 0...125: return (first | UInt64(payloadLength) << 8, 2)
        case 126...65_535: return (first | 126 << 8 | UInt64(payloadLength >> 8) << 16 | UInt64(payloadLength & 0xFF) << 24, 4)
        default: return nil
        }
    }

    /// The header of a whole unmasked frame, byte by byte, for who writes it elsewhere than to an array.
    package static func forEachHeaderByte(_ opcode: Opcode, payloadLength: Int, _ write: (UInt8) -> Void) {
        write(0x80 | opcode.rawValue)
        let header = headerLength(payloadLength: payloadLength)
        guard header > 2 else { return write(UInt8(truncatingIfNeeded: payloadLength)) }
        write(header == 4 ? 126 : 127)
        for index in 2..<header { write(UInt8(truncatingIfNeeded: payloadLength >> (8 * (header - 1 - index)))) }
    }

    /// One whole unmasked frame.
    package static func append(_ opcode: Opcode, _ payload: Span<UInt8>, rsv1: Bool = false, to bytes: inout [UInt8]) {
        appendHeader(opcode, payloadLength: payload.count, rsv1: rsv1, to: &bytes)
        // An array appends from a buffer by one copy, from a span only byte by byte.
        unsafe payload.withUnsafeBufferPointer { unsafe bytes.append(contentsOf: $0) }
    }

    /// One whole unmasked data frame over the first bytes of `room`, whose others stay as they are, up to the eighth. Returns how many bytes it has; nil,
    /// and nothing written, where it has more than 65,535 of payload, or `room` not 8 bytes more than that.
    package static func write(_ opcode: Opcode, _ payload: Span<UInt8>, rsv1: Bool = false, over room: inout [UInt8]) -> Int? {
        guard payload.count + 8 <= room.count, let (word, count) = shortHeader(opcode, payloadLength: payload.count, rsv1: rsv1) else {
            return nil
        }
        unsafe payload.withUnsafeBytes { payload in
            unsafe room.withUnsafeMutableBytes { room in
                unsafe room.storeBytes(of: word.littleEndian, as: UInt64.self)
                unsafe UnsafeMutableRawBufferPointer(rebasing: room[count...]).copyMemory(from: payload)
            }
        }
        return count + payload.count
    }

    /// One whole unmasked frame.
    package static func frame(_ opcode: Opcode, _ payload: [UInt8], rsv1: Bool = false) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(headerLength(payloadLength: payload.count) + payload.count)
        append(opcode, payload.span, rsv1: rsv1, to: &bytes)
        return bytes
    }

    /// One masked frame, as a client sends (§5.3). The key must be unpredictable where an intermediary could be fooled (§10.3).
    package static func maskedFrame(
        _ opcode: Opcode, _ payload: [UInt8], maskingKey: UInt32, fin: Bool = true, rsv1: Bool = false
    ) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(headerLength(payloadLength: payload.count) + 4 + payload.count)
        appendHeader(opcode, payloadLength: payload.count, fin: fin, rsv1: rsv1, maskingKey: maskingKey, to: &bytes)
        Masking.append(payload.span, key: maskingKey, offset: 0, to: &bytes)
        return bytes
    }

    /// Made once: nearly every client leaves with it, and is answered alike.
    private static let normalClose: [UInt8] = [0x80 | Opcode.close.rawValue, 2, 0x03, 0xE8]

    /// An unmasked Close frame (§5.5.1). The reason is cut to the 123 bytes that fit, at the end of a character.
    package static func close(_ code: CloseCode, reason: String = "") -> [UInt8] {
        if code == .normal, reason.isEmpty { return normalClose }
        precondition(CloseCode.isValidOnWire(code.rawValue), "a code that may be sent (§7.4)")
        let (high, low) = (UInt8(truncatingIfNeeded: code.rawValue >> 8), UInt8(truncatingIfNeeded: code.rawValue))
        guard !reason.isEmpty else { return [0x80 | Opcode.close.rawValue, 2, high, low] }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(2 + controlPayloadBytesMax)
        appendHeader(.close, payloadLength: 2, to: &bytes)
        bytes.append(high)
        bytes.append(low)
        for scalar in reason.unicodeScalars {
            let encoded = UTF8.encode(scalar)!
            guard bytes.count + encoded.count <= 2 + controlPayloadBytesMax else { break }
            bytes.append(contentsOf: encoded)
        }
        bytes[1] = UInt8(bytes.count - 2)
        return bytes
    }

    private static func appendBigEndian(_ value: UInt64, width: Int, to bytes: inout [UInt8]) {
        for index in (0..<width).reversed() { bytes.append(UInt8(truncatingIfNeeded: value >> (index * 8))) }
    }
}

/// Reads frame headers and keeps their order: which frame may follow which (RFC 6455 §5.2 to §5.5). Payloads pass it by.
/// Judges every byte when it arrives, so that a broken stream ends at its first wrong byte however it is split.
///
/// Flow: TCPStream → **FrameDecoder** → MessageAssembler → Connection
package struct FrameDecoder {
    /// Wide fields first: ten thousand idle connections each hold one of these.
    private enum State {
        case start
        case opened(FirstByte)
        case length(value: UInt64, FirstByte, form: LengthForm, missing: UInt8)
        case maskingKey(payloadLength: Int, value: UInt32, FirstByte, missing: UInt8)
    }

    private struct FirstByte {
        let opcode: Opcode
        let fin: Bool
        let rsv1: Bool
    }

    /// The extended lengths of §5.2, by their width in bytes.
    private enum LengthForm: UInt8 {
        case bits16 = 2
        case bits64 = 8

        var valueMin: UInt64 { self == .bits16 ? 126 : 65_536 }
    }

    private var state = State.start
    /// Frames of the message that is open; 0 while none is. Never above `fragmentsMax`, or 1.
    private var fragments: UInt32 = 0
    private let fragmentsMax: UInt32
    private let role: PeerRole
    private let allowsCompression: Bool

    /// `deflate`: permessage-deflate is agreed.
    package init(role: PeerRole, fragmentsMax: Int, deflate: Bool = false) {
        self.role = role
        self.fragmentsMax = UInt32(clamping: fragmentsMax)
        allowsCompression = deflate
    }

    /// A data frame's first byte was seen, and not yet the header that ends its message.
    package var isInsideMessage: Bool { fragments > 0 }

    /// The next header, with `position` just behind it; nil when the input ends before. Throws with `position` on the byte that is wrong.
    package mutating func next(_ input: Span<UInt8>, at position: inout Int) throws(ProtocolViolation) -> FrameHeader? {
        if let header = nextPlain(input, at: &position) { return header }
        while position < input.count {
            let header = try receive(input[position])
            position += 1
            if let header {
                state = .start
                if header.fin && !header.opcode.isControl { fragments = 0 }
                return header
            }
        }
        return nil
    }

    /// What nearly every header is, all at once: of a client's whole message of less than 64 KiB that is not compressed, or of its control frame, with
    /// nothing amiss. nil for any other, which is judged byte by byte.
    private func nextPlain(_ input: Span<UInt8>, at position: inout Int) -> FrameHeader? {
        guard case .start = state, role == .server, input.count - position >= 6 else { return nil }
        let (first, second) = (input[position], input[position + 1])
        guard first & 0xF0 == 0x80, second & 0x80 != 0, let opcode = Opcode(rawValue: first & 0x0F) else { return nil }
        var length = Int(second & 0x7F)
        switch opcode {
        case .text, .binary: guard fragments == 0 else { return nil }
        case .ping, .pong: guard length <= 125 else { return nil }
        case .close: guard length <= 125, length != 1 else { return nil }
        case .continuation: return nil
        }
        var index = position + 2
        if length > 125 {
            guard length == 126, input.count - position >= 8 else { return nil }
            length = Int(input[index]) << 8 | Int(input[index + 1])
            guard length > 125 else { return nil }
            index += 2
        }
        let key =
            UInt32(input[index]) << 24 | UInt32(input[index + 1]) << 16 | UInt32(input[index + 2]) << 8 | UInt32(input[index + 3])
        position = index + 4
        return FrameHeader(opcode: opcode, fin: true, rsv1: false, maskingKey: key, payloadLength: length)
    }

    private mutating func receive(_ byte: UInt8) throws(ProtocolViolation) -> FrameHeader? {
        switch state {
        case .start:
            state = try open(byte)
            return nil
        case .opened(let first):
            return try receiveShortLength(byte, first)
        case .length(let value, let first, let form, let missing):
            // §5.2: "the most significant bit MUST be 0". Refused here, no length ever exceeds a signed 64-bit integer.
            if form == .bits64 && missing == 8 && byte & 0x80 != 0 { throw .lengthTopBitSet }
            let value = value << 8 | UInt64(byte)
            guard missing == 1 else {
                state = .length(value: value, first, form: form, missing: missing - 1)
                return nil
            }
            guard value >= form.valueMin else { throw .nonMinimalLength }
            guard let payloadLength = Int(exactly: value) else { throw .messageTooBig }
            return finishLength(first, payloadLength)
        case .maskingKey(let payloadLength, let value, let first, let missing):
            let value = value << 8 | UInt32(byte)
            guard missing == 1 else {
                state = .maskingKey(payloadLength: payloadLength, value: value, first, missing: missing - 1)
                return nil
            }
            return header(first, maskingKey: value, payloadLength)
        }
    }

    private mutating func open(_ byte: UInt8) throws(ProtocolViolation) -> State {
        // §5.2: a bit that no agreed extension defines may not be set. RFC 7692 §6 defines RSV1.
        guard byte & (allowsCompression ? 0x30 : 0x70) == 0 else { throw .reservedBits }
        guard let opcode = Opcode(rawValue: byte & 0x0F) else { throw .reservedOpcode(byte & 0x0F) }
        let first = FirstByte(opcode: opcode, fin: byte & 0x80 != 0, rsv1: byte & 0x40 != 0)
        // RFC 7692 §6.1: not on control frames, and of a message only on the first.
        guard !first.rsv1 || opcode == .text || opcode == .binary else { throw .reservedBits }
        if opcode.isControl {
            guard first.fin else { throw .fragmentedControlFrame }
        } else {
            try countFragment(opcode)
        }
        return .opened(first)
    }

    /// §5.4: fragments of one message are not interleaved with another's.
    private mutating func countFragment(_ opcode: Opcode) throws(ProtocolViolation) {
        if opcode == .continuation {
            guard isInsideMessage else { throw .unexpectedContinuation }
            guard fragments < fragmentsMax else { throw .tooManyFragments }
        } else {
            guard !isInsideMessage else { throw .expectedContinuation }
        }
        fragments += 1
    }

    private mutating func receiveShortLength(_ byte: UInt8, _ first: FirstByte) throws(ProtocolViolation) -> FrameHeader? {
        switch role {
        case .server: guard byte & 0x80 != 0 else { throw .unmaskedClientFrame }
        case .client: guard byte & 0x80 == 0 else { throw .maskedServerFrame }
        }
        let length = byte & 0x7F
        guard length <= 125 else {
            guard !first.opcode.isControl else { throw .controlFrameTooLong }
            let form: LengthForm = length == 126 ? .bits16 : .bits64
            state = .length(value: 0, first, form: form, missing: form.rawValue)
            return nil
        }
        // §5.5.1: a body, if there is one, begins with a two-byte code.
        guard first.opcode != .close || length != 1 else { throw .oneByteCloseBody }
        return finishLength(first, Int(length))
    }

    private mutating func finishLength(_ first: FirstByte, _ payloadLength: Int) -> FrameHeader? {
        switch role {
        case .server:
            state = .maskingKey(payloadLength: payloadLength, value: 0, first, missing: 4)
            return nil
        case .client:
            return header(first, maskingKey: 0, payloadLength)
        }
    }

    private func header(_ first: FirstByte, maskingKey: UInt32, _ payloadLength: Int) -> FrameHeader {
        FrameHeader(opcode: first.opcode, fin: first.fin, rsv1: first.rsv1, maskingKey: maskingKey, payloadLength: payloadLength)
    }
}

/// What a peer did that RFC 6455 or RFC 7692 forbids, or that exceeds our limits: one case per rule, one close code and one counter each.
package enum ProtocolViolation: Error, Sendable, Equatable {
    case reservedBits
    case reservedOpcode(UInt8)
    case unmaskedClientFrame
    case maskedServerFrame
    case nonMinimalLength
    case lengthTopBitSet
    case fragmentedControlFrame
    case controlFrameTooLong
    case unexpectedContinuation
    case expectedContinuation
    case oneByteCloseBody
    case invalidCloseCode(UInt16)
    case invalidUTF8
    case invalidUTF8CloseReason
    case invalidDeflate
    case messageTooBig
    case tooManyFragments
    case tooManyDeflateBlocks
}

extension ProtocolViolation {
    /// What our Close frame tells the peer (§7.4.1).
    package var closeCode: CloseCode {
        switch self {
        case .invalidUTF8, .invalidUTF8CloseReason, .invalidDeflate: .invalidPayload
        case .messageTooBig: .messageTooBig
        // The message may be small: how it was cut is what we do not put up with.
        case .tooManyFragments, .tooManyDeflateBlocks: .policyViolation
        default: .protocolError
        }
    }

    /// The document that ``section`` is in.
    package var rfc: String { self == .invalidDeflate ? "RFC 7692" : "RFC 6455" }

    /// The rule, in ``rfc``.
    package var section: String {
        switch self {
        case .unmaskedClientFrame, .maskedServerFrame: "§5.1"
        case .reservedBits, .reservedOpcode, .nonMinimalLength, .lengthTopBitSet: "§5.2"
        case .unexpectedContinuation, .expectedContinuation: "§5.4"
        case .fragmentedControlFrame, .controlFrameTooLong: "§5.5"
        case .oneByteCloseBody: "§5.5.1"
        case .invalidCloseCode: "§7.4"
        case .invalidUTF8, .invalidUTF8CloseReason: "§8.1"
        case .invalidDeflate: "§7.2.2"
        case .messageTooBig, .tooManyFragments, .tooManyDeflateBlocks: "§10.4"
        }
    }

    /// Stable, for metric labels: the peer's numbers stay out of it.
    package var name: String {
        switch self {
        case .reservedBits: "reserved_bits"
        case .reservedOpcode: "reserved_opcode"
        case .unmaskedClientFrame: "unmasked_client_frame"
        case .maskedServerFrame: "masked_server_frame"
        case .nonMinimalLength: "non_minimal_length"
        case .lengthTopBitSet: "length_top_bit_set"
        case .fragmentedControlFrame: "fragmented_control_frame"
        case .controlFrameTooLong: "control_frame_too_long"
        case .unexpectedContinuation: "unexpected_continuation"
        case .expectedContinuation: "expected_continuation"
        case .oneByteCloseBody: "one_byte_close_body"
        case .invalidCloseCode: "invalid_close_code"
        case .invalidUTF8: "invalid_utf8"
        case .invalidUTF8CloseReason: "invalid_utf8_close_reason"
        case .invalidDeflate: "invalid_deflate"
        case .messageTooBig: "message_too_big"
        case .tooManyFragments: "too_many_fragments"
        case .tooManyDeflateBlocks: "too_many_deflate_blocks"
        }
    }

    /// For the log and the close reason. Always shorter than the 123 bytes a reason may have.
    package var message: String {
        switch self {
        case .reservedBits: "a reserved bit is set where no agreed extension defines it"
        case .reservedOpcode(let opcode): "opcode \(opcode) is reserved"
        case .unmaskedClientFrame: "a client's frames must be masked"
        case .maskedServerFrame: "a server's frames must not be masked"
        case .nonMinimalLength: "the length is not in its shortest form"
        case .lengthTopBitSet: "the top bit of a 64-bit length is set"
        case .fragmentedControlFrame: "a control frame must not be fragmented"
        case .controlFrameTooLong: "a control frame carries at most 125 bytes"
        case .unexpectedContinuation: "a continuation without a message to continue"
        case .expectedContinuation: "a new message inside an unfinished one"
        case .oneByteCloseBody: "a close body of one byte holds no code"
        case .invalidCloseCode(let code): "close code \(code) must not be sent"
        case .invalidUTF8: "the text is not UTF-8"
        case .invalidUTF8CloseReason: "the close reason is not UTF-8"
        case .invalidDeflate: "the message is not DEFLATE data"
        case .messageTooBig: "the message is longer than the limit"
        case .tooManyFragments: "the message has more fragments than the limit"
        case .tooManyDeflateBlocks: "the message is cut into more DEFLATE blocks than a compressor makes"
        }
    }

    /// Every case once, so that each metric series exists from the start. The numbers stand for any.
    package static let all: [ProtocolViolation] = [
        .reservedBits, .reservedOpcode(3), .unmaskedClientFrame, .maskedServerFrame, .nonMinimalLength, .lengthTopBitSet,
        .fragmentedControlFrame, .controlFrameTooLong, .unexpectedContinuation, .expectedContinuation, .oneByteCloseBody,
        .invalidCloseCode(1005), .invalidUTF8, .invalidUTF8CloseReason, .invalidDeflate, .messageTooBig, .tooManyFragments,
        .tooManyDeflateBlocks,
    ]
}

import Testing
import WebSocket

@Suite("Frame headers (RFC 6455 §5.2 to §5.5)")
struct FrameDecoderTests {
    /// Bytes that end with the first wrong one, as a server reads them.
    private static let violations: [(ProtocolViolation, String, UInt16)] = [
        (.reservedBits, "C1", 1002), (.reservedBits, "A1", 1002), (.reservedBits, "91", 1002), (.reservedBits, "F9", 1002),
        (.reservedOpcode(3), "83", 1002), (.reservedOpcode(7), "87", 1002),
        (.reservedOpcode(11), "8B", 1002), (.reservedOpcode(15), "0F", 1002),
        (.unmaskedClientFrame, "81 05", 1002), (.unmaskedClientFrame, "89 00", 1002), (.unmaskedClientFrame, "88 7F", 1002),
        (.nonMinimalLength, "82 FE 00 7D", 1002), (.nonMinimalLength, "82 FE 00 00", 1002),
        (.nonMinimalLength, "82 FF 00 00 00 00 00 00 FF FF", 1002), (.nonMinimalLength, "82 FF 00 00 00 00 00 00 00 00", 1002),
        (.lengthTopBitSet, "82 FF 80", 1002), (.lengthTopBitSet, "82 FF FF", 1002),
        (.fragmentedControlFrame, "08", 1002), (.fragmentedControlFrame, "09", 1002), (.fragmentedControlFrame, "0A", 1002),
        (.controlFrameTooLong, "88 FE", 1002), (.controlFrameTooLong, "89 FE", 1002), (.controlFrameTooLong, "8A FF", 1002),
        (.unexpectedContinuation, "80", 1002), (.unexpectedContinuation, "00", 1002),
        (.unexpectedContinuation, "81 80 00 00 00 00 80", 1002),
        (.expectedContinuation, "01 80 00 00 00 00 81", 1002), (.expectedContinuation, "01 80 00 00 00 00 02", 1002),
        (.expectedContinuation, "02 80 00 00 00 00 89 80 00 00 00 00 82", 1002),
        (.oneByteCloseBody, "88 81", 1002),
        (.messageTooBig, "82 FF 00 00 00 00 00 01 00 01 00 00 00 00", 1009),
    ]

    @Test(arguments: violations)
    func `a broken header is refused at its first wrong byte`(violation: ProtocolViolation, bytes: String, code: UInt16) {
        let bytes = hex(bytes)
        #expect(Outcome(bytes).violation == violation)
        #expect(Outcome(bytes, pieces: [1]).violation == violation)
        #expect(Outcome(Array(bytes.dropLast())).violation == nil)
        #expect(violation.closeCode.rawValue == code)
    }

    private static let reservedBits: [(String, ProtocolViolation?)] = [
        ("C1", nil), ("C2", nil), ("41", nil), ("42", nil), ("81", nil), ("82", nil),
        // RSV2 and RSV3 are nobody's.
        ("A1", .reservedBits), ("91", .reservedBits), ("E1", .reservedBits), ("D2", .reservedBits), ("F1", .reservedBits),
        // Control frames.
        ("C8", .reservedBits), ("C9", .reservedBits), ("CA", .reservedBits), ("49", .reservedBits),
        // Continuations, with and without a compressed message to continue.
        ("C0", .reservedBits), ("40", .reservedBits),
        ("41 80 00 00 00 00 C0", .reservedBits), ("41 80 00 00 00 00 40", .reservedBits), ("01 80 00 00 00 00 C0", .reservedBits),
        ("41 80 00 00 00 00 80", nil), ("41 80 00 00 00 00 00", nil), ("41 80 00 00 00 00 C9", .reservedBits),
        ("41 80 00 00 00 00 C1", .expectedContinuation), ("41 80 00 00 00 00 81", .expectedContinuation),
        ("C3", .reservedOpcode(3)), ("CB", .reservedOpcode(11)),
    ]

    @Test(arguments: reservedBits)
    func `with compression agreed, RSV1 stands on the first frame of a message (RFC 7692 §6)`(bytes: String, violation: ProtocolViolation?)
    {
        let bytes = hex(bytes)
        for pieces in [[Int.max], [1]] { #expect(Outcome(bytes, deflate: true, pieces: pieces).violation == violation) }
    }

    @Test func `a header says whether its message is compressed`() throws {
        var decoder = FrameDecoder(role: .client, fragmentsMax: 64, deflate: true)
        var seen: [Bool] = []
        let bytes = hex("41 00 00 00 80 00 82 00 C2 00 89 00")
        var position = 0
        while let header = try decoder.next(bytes.span, at: &position) { seen.append(header.rsv1) }
        #expect(seen == [true, false, false, false, true, false])
    }

    @Test func `a header ends where its payload begins`() throws {
        var decoder = FrameDecoder(role: .server, fragmentsMax: 64)
        let bytes = hex("81 FE 01 00 37 fa 21 3d 61 62")
        var position = 0
        let header = try decoder.next(bytes.span, at: &position)
        #expect(header == FrameHeader(opcode: .text, fin: true, maskingKey: 0x37fa_213d, payloadLength: 256))
        #expect(position == 8)
    }

    @Test(arguments: [
        (125, "82 7D"), (126, "82 7E 00 7E"), (65_535, "82 7E FF FF"),
        (65_536, "82 7F 00 00 00 00 00 01 00 00"), (.max, "82 7F 7F FF FF FF FF FF FF FF"),
    ])
    func `each length form is read at both of its ends`(length: Int, bytes: String) throws {
        var decoder = FrameDecoder(role: .client, fragmentsMax: 64)
        let bytes = hex(bytes)
        var position = 0
        let header = try decoder.next(bytes.span, at: &position)
        #expect(header?.payloadLength == length)
        #expect(position == bytes.count)
    }

    @Test func `a decoder is inside a message from its first byte to its last header`() throws {
        var decoder = FrameDecoder(role: .client, fragmentsMax: 64)
        var inside: [Bool] = []
        for byte in hex("01 00 89 00 80 00") {
            var position = 0
            _ = try decoder.next([byte].span, at: &position)
            inside.append(decoder.isInsideMessage)
        }
        #expect(inside == [true, true, true, true, true, false])
    }
}

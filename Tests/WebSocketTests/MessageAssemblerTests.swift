import Testing
import WebSocket

@Suite("Messages of fragments (RFC 6455 §5.4)")
struct MessageAssemblerTests {
    private let key: UInt32 = 0xA1B2_C3D4

    private func frame(_ opcode: Opcode, _ payload: [UInt8], fin: Bool = true) -> [UInt8] {
        FrameEncoder.maskedFrame(opcode, payload, maskingKey: key, fin: fin)
    }

    @Test func `control frames stand between fragments and stay apart`() {
        let stream =
            frame(.text, [0x61], fin: false) + frame(.ping, [1, 2]) + frame(.continuation, [0x62], fin: false)
            + frame(.pong, [3]) + frame(.continuation, [0x63])
        for pieces in [[Int.max], [1], [3, 2]] {
            #expect(Outcome(stream, pieces: pieces).received == [.ping([1, 2]), .pong([3]), .text([0x61, 0x62, 0x63])])
        }
    }

    @Test func `a character may be split over fragments`() {
        let stream = frame(.text, [0xE2], fin: false) + frame(.continuation, [0x82], fin: false) + frame(.continuation, [0xAC])
        #expect(Outcome(stream).received == [.text(Array("€".utf8))])
    }

    @Test func `a character split over fragments fails at its first wrong byte`() {
        let stream = frame(.text, [0xF4], fin: false) + frame(.continuation, [0x90, 0x80, 0x80], fin: false)
        #expect(Outcome(Array(stream.dropLast(2))).violation == .invalidUTF8)
        #expect(ProtocolViolation.invalidUTF8.closeCode == .invalidPayload)
    }

    @Test func `a wrong byte fails in the middle of a frame`() {
        let bytes = frame(.text, [0x61, 0xFF] + [UInt8](repeating: 0x61, count: 1_000))
        #expect(Outcome(Array(bytes.prefix(9))).violation == nil)
        #expect(Outcome(Array(bytes.prefix(10))).violation == .invalidUTF8)
    }

    @Test func `text that ends inside a character is refused with its last frame, not before`() {
        let open = frame(.text, [0x61, 0xE2, 0x82], fin: false)
        #expect(Outcome(open).violation == nil)
        #expect(Outcome(open + frame(.continuation, [])).violation == .invalidUTF8)
        #expect(Outcome(frame(.text, [0xE2, 0x82])).violation == .invalidUTF8)
    }

    @Test func `binary is not judged as text, also after text`() {
        let stream = frame(.text, [0x61]) + frame(.binary, [0xFF, 0xC0]) + frame(.text, [0x62])
        #expect(Outcome(stream).received == [.text([0x61]), .binary([0xFF, 0xC0]), .text([0x62])])
    }

    @Test func `a compressed message is handed out as it is, and not judged as text`() {
        let stream =
            FrameEncoder.maskedFrame(.text, [0xFF], maskingKey: key, fin: false, rsv1: true) + frame(.ping, [1])
            + frame(.continuation, [0xC0, 0x80]) + frame(.text, [0x61])
            + FrameEncoder.maskedFrame(.binary, [], maskingKey: key, rsv1: true) + frame(.binary, [0xFF])
        for pieces in [[Int.max], [1], [3, 2]] {
            #expect(
                Outcome(stream, deflate: true, pieces: pieces).received == [
                    .ping([1]), .compressed(.text, [0xFF, 0xC0, 0x80], frames: 2), .text([0x61]), .compressed(.binary, [], frames: 1),
                    .binary([0xFF]),
                ])
        }
        #expect(Outcome(stream + frame(.text, [0xFF]), deflate: true).violation == .invalidUTF8)
    }

    @Test func `messages without payload are messages`() {
        let stream = frame(.text, []) + frame(.binary, []) + frame(.ping, []) + frame(.pong, [])
        #expect(Outcome(stream, pieces: [1]).received == [.text([]), .binary([]), .ping([]), .pong([])])
    }

    @Test func `what is stored is what arrived, at most doubled`() throws {
        var assembler = MessageAssembler(messageBytesMax: 65_536)
        let header = FrameHeader(opcode: .binary, fin: true, maskingKey: 0, payloadLength: 65_536)
        try assembler.begin(header)
        #expect(assembler.storedBytes == 0)
        let piece = [UInt8](repeating: 7, count: 1_000)
        for index in 0..<60 {
            var none: [UInt8] = []
            try assembler.receive(piece.span, of: header, at: index * 1_000, reusing: &none)
            #expect(assembler.storedBytes <= (index + 1) * 2_000 + 64)
        }
    }
}

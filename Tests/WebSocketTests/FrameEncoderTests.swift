import Testing
import WebSocket

@Suite("Sending frames (RFC 6455 §5.2, §5.5, §5.7)")
struct FrameEncoderTests {
    private let hello = Array("Hello".utf8)

    @Test func `the RFC's examples are written to the byte`() {
        #expect(FrameEncoder.frame(.text, hello) == hex("81 05 48 65 6c 6c 6f"))
        #expect(FrameEncoder.maskedFrame(.text, hello, maskingKey: 0x37fa_213d) == hex("81 85 37 fa 21 3d 7f 9f 4d 51 58"))
        #expect(FrameEncoder.header(.text, payloadLength: 3, fin: false) + hello[..<3] == hex("01 03 48 65 6c"))
        #expect(FrameEncoder.header(.continuation, payloadLength: 2) + hello[3...] == hex("80 02 6c 6f"))
        #expect(FrameEncoder.frame(.ping, hello) == hex("89 05 48 65 6c 6c 6f"))
        #expect(FrameEncoder.maskedFrame(.pong, hello, maskingKey: 0x37fa_213d) == hex("8a 85 37 fa 21 3d 7f 9f 4d 51 58"))
        #expect(FrameEncoder.header(.binary, payloadLength: 256) == hex("82 7E 01 00"))
        #expect(FrameEncoder.header(.binary, payloadLength: 65_536) == hex("82 7F 00 00 00 00 00 01 00 00"))
    }

    @Test(arguments: [(0, 2), (125, 2), (126, 4), (65_535, 4), (65_536, 10), (Int.max, 10)])
    func `the shortest length form is taken`(payloadLength: Int, headerLength: Int) {
        #expect(FrameEncoder.headerLength(payloadLength: payloadLength) == headerLength)
        #expect(FrameEncoder.header(.binary, payloadLength: payloadLength).count == headerLength)
    }

    @Test(arguments: [0, 1, 125, 126, 127, 255, 256, 65_535, 65_536])
    func `a short header as a word, and one byte by byte, are the header`(payloadLength: Int) {
        let header = FrameEncoder.header(.text, payloadLength: payloadLength)
        var bytes: [UInt8] = []
        FrameEncoder.forEachHeaderByte(.text, payloadLength: payloadLength) { bytes.append($0) }
        #expect(bytes == header)
        let short = FrameEncoder.shortHeader(.text, payloadLength: payloadLength)
        #expect((short == nil) == (payloadLength > 65_535))
        if let (word, count) = short { #expect((0..<count).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) } == header) }
    }

    @Test func `what is encoded decodes to the same`() {
        var generator = SeededGenerator(seed: 57)
        for count in [0, 1, 124, 125, 126, 127, 128, 1_000, 65_535, 65_536] {
            let payload = (0..<count).map { _ in UInt8.random(in: 0...127, using: &generator) }
            let key = UInt32.random(in: 0 ... .max, using: &generator)
            let messages: [(Opcode, Received)] = [
                (.text, .text(payload)), (.binary, .binary(payload)), (.ping, .ping(payload)), (.pong, .pong(payload)),
            ]
            for (opcode, message) in messages {
                guard !opcode.isControl || count <= 125 else { continue }
                #expect(Outcome(FrameEncoder.frame(opcode, payload), role: .client).received == [message])
                #expect(Outcome(FrameEncoder.maskedFrame(opcode, payload, maskingKey: key), role: .server).received == [message])
            }
        }
    }

    @Test func `a compressed message is marked on its first frame (RFC 7692 §7_2_3_1)`() {
        let compressed = hex("f2 48 cd c9 c9 07 00")
        #expect(FrameEncoder.frame(.text, compressed, rsv1: true) == hex("c1 07 f2 48 cd c9 c9 07 00"))
        #expect(FrameEncoder.header(.text, payloadLength: 3, fin: false, rsv1: true) == hex("41 03"))
        #expect(FrameEncoder.header(.binary, payloadLength: 256, rsv1: true) == hex("C2 7E 01 00"))
        var bytes: [UInt8] = []
        FrameEncoder.append(.binary, compressed.span, rsv1: true, to: &bytes)
        #expect(bytes == hex("c2 07") + compressed)
        let masked = FrameEncoder.maskedFrame(.text, compressed, maskingKey: 0x0102_0304, rsv1: true)
        #expect(Outcome(masked, deflate: true).received == [.compressed(.text, compressed, frames: 1)])
    }

    @Test func `frames are appended one behind the other`() {
        var bytes: [UInt8] = [0xEE]
        FrameEncoder.append(.text, hello.span, to: &bytes)
        let empty: [UInt8] = []
        FrameEncoder.append(.pong, empty.span, to: &bytes)
        #expect(bytes == [0xEE] + hex("81 05 48 65 6c 6c 6f 8A 00"))
    }

    @Test(arguments: [0, 1, 125, 126, 127, 4_000, 65_535, 65_536], [false, true])
    func `a frame written over an array's first bytes is that frame`(payloadLength: Int, rsv1: Bool) throws {
        let payload = (0..<payloadLength).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        let frame = FrameEncoder.frame(.binary, payload, rsv1: rsv1)
        var room = [UInt8](repeating: 0xEE, count: payloadLength + 9)
        let count = FrameEncoder.write(.binary, payload.span, rsv1: rsv1, over: &room)
        #expect(room.count == payloadLength + 9 && room.last == 0xEE)
        if payloadLength > 65_535 {
            #expect(count == nil)
        } else {
            #expect(count == frame.count && room.prefix(frame.count) == frame[...])
        }
        var small = [UInt8](repeating: 0xEE, count: payloadLength + 7)
        let refused = FrameEncoder.write(.binary, payload.span, rsv1: rsv1, over: &small)
        #expect(refused == nil && small.allSatisfy { $0 == 0xEE })
    }

    @Test func `a close carries its code and reason`() {
        #expect(FrameEncoder.close(.normal) == hex("88 02 03 E8"))
        #expect(FrameEncoder.close(.slowConsumer, reason: "slow") == hex("88 06 11 38 73 6c 6f 77"))
    }

    @Test(arguments: [("a", 123), ("é", 122), ("€", 123), ("😀", 120)])
    func `a long reason is cut at the end of a character`(character: String, bytesKept: Int) {
        let frame = FrameEncoder.close(.normal, reason: String(repeating: character, count: 200))
        #expect(frame.count == 2 + 2 + bytesKept)
        let kept = Array(String(repeating: character, count: 200).utf8.prefix(bytesKept))
        #expect(Outcome(frame, role: .client).received == [.close(.normal, reason: kept)])
    }

    @Test func `every violation can be told to the peer`() {
        for violation in ProtocolViolation.all {
            let frame = FrameEncoder.close(violation.closeCode, reason: violation.message)
            #expect(Outcome(frame, role: .client).received == [.close(violation.closeCode, reason: Array(violation.message.utf8))])
        }
    }
}

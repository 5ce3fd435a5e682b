import Testing
import WebSocket

@Suite("Limits (RFC 6455 §10.4)")
struct WebSocketLimitsTests {
    private let key: UInt32 = 0x1234_5678

    @Test func `the defaults are 64 KiB and 64 fragments`() {
        #expect(WebSocketLimits().messageBytesMax == 65_536)
        #expect(WebSocketLimits().fragmentsMax == 64)
    }

    @Test func `a message of exactly the limit passes, one byte more does not`() {
        let full = [UInt8](repeating: 0x61, count: 65_536)
        #expect(Outcome(FrameEncoder.maskedFrame(.text, full, maskingKey: key)).received == [.text(full)])
        let outcome = Outcome(FrameEncoder.maskedFrame(.text, full + [0x61], maskingKey: key))
        #expect(outcome.received.isEmpty)
        #expect(outcome.violation == .messageTooBig)
    }

    @Test func `fragments together have the same limit`() {
        let half = [UInt8](repeating: 0x61, count: 32_768)
        let first = FrameEncoder.maskedFrame(.binary, half, maskingKey: key, fin: false)
        #expect(Outcome(first + FrameEncoder.maskedFrame(.continuation, half, maskingKey: key)).received == [.binary(half + half)])
        #expect(Outcome(first + FrameEncoder.maskedFrame(.continuation, half + [0], maskingKey: key)).violation == .messageTooBig)
    }

    @Test func `a frame over the limit is refused by its header, with nothing stored`() {
        var reader = MessageReader(role: .server)
        let header = hex("82 FF 00 00 00 00 00 01 00 01 12 34 56 78")
        var position = 0
        #expect(throws: ProtocolViolation.messageTooBig) { try reader.next(header.span, at: &position) }
        #expect(reader.storedBytes == 0)
    }

    @Test(arguments: [
        ("80 00 00 00 00 00 00 00", ProtocolViolation.lengthTopBitSet),
        ("FF FF FF FF FF FF FF FF", .lengthTopBitSet),
        ("7F FF FF FF FF FF FF FF", .messageTooBig),
    ])
    func `lengths up to 2^64-1 neither trap nor allocate`(length: String, violation: ProtocolViolation) {
        for opcode in ["82", "02"] {
            #expect(Outcome(hex("\(opcode) FF \(length) 00 00 00 00")).violation == violation)
            #expect(Outcome(hex("\(opcode) 7F \(length)"), role: .client).violation == violation)
        }
    }

    @Test func `the largest length after a stored fragment does not overflow`() {
        #expect(Outcome(hex("02 81 00 00 00 00 61 80 FF 7F FF FF FF FF FF FF FF 00 00 00 00")).violation == .messageTooBig)
    }

    @Test func `sixty-four fragments pass, empty ones counted`() {
        let empty = FrameEncoder.maskedFrame(.continuation, [], maskingKey: key, fin: false)
        var stream = FrameEncoder.maskedFrame(.text, [], maskingKey: key, fin: false)
        for _ in 0..<62 { stream += empty }
        #expect(Outcome(stream + FrameEncoder.maskedFrame(.continuation, [], maskingKey: key)).received == [.text([])])
        #expect(Outcome(stream + empty).violation == nil)
        #expect(Outcome(stream + empty + empty).violation == .tooManyFragments)
    }

    @Test func `of a million one-byte fragments the 65th is refused`() {
        let fragment = FrameEncoder.maskedFrame(.continuation, [0x61], maskingKey: key, fin: false)
        var reader = MessageReader(role: .server)
        var read = 0
        var violation: ProtocolViolation?
        for index in 0..<1_000_000 where violation == nil {
            let frame = index == 0 ? FrameEncoder.maskedFrame(.text, [0x61], maskingKey: key, fin: false) : fragment
            var position = 0
            do { _ = try reader.next(frame.span, at: &position) } catch { violation = error }
            read += violation == nil ? 1 : 0
        }
        #expect(read == 64)
        #expect(violation == .tooManyFragments)
        #expect(reader.storedBytes == 0)
    }

    @Test func `a compressed message has the same limits on the wire`() {
        func frame(_ opcode: Opcode, _ count: Int, fin: Bool = true) -> [UInt8] {
            FrameEncoder.maskedFrame(opcode, [UInt8](repeating: 7, count: count), maskingKey: key, fin: fin, rsv1: opcode != .continuation)
        }
        #expect(Outcome(frame(.binary, 65_536), deflate: true).received.count == 1)
        #expect(Outcome(frame(.binary, 65_537), deflate: true).violation == .messageTooBig)
        let half = frame(.text, 32_768, fin: false)
        #expect(Outcome(half + frame(.continuation, 32_768), deflate: true).received.count == 1)
        #expect(Outcome(half + frame(.continuation, 32_769), deflate: true).violation == .messageTooBig)
        let fragments = frame(.text, 0, fin: false) + (0..<62).flatMap { _ in frame(.continuation, 0, fin: false) }
        #expect(Outcome(fragments + frame(.continuation, 1), deflate: true).received == [.compressed(.text, [7], frames: 64)])
        #expect(
            Outcome(fragments + frame(.continuation, 0, fin: false) + frame(.continuation, 1), deflate: true).violation == .tooManyFragments
        )
    }

    @Test func `pings between fragments are not fragments`() {
        let pings = [[UInt8]](repeating: FrameEncoder.maskedFrame(.ping, [], maskingKey: key), count: 200).flatMap { $0 }
        let stream = FrameEncoder.maskedFrame(.text, [0x61], maskingKey: key, fin: false) + pings
        let outcome = Outcome(stream + FrameEncoder.maskedFrame(.continuation, [0x62], maskingKey: key))
        #expect(outcome.received.count == 201)
        #expect(outcome.received.last == .text([0x61, 0x62]))
    }

    @Test func `limits at the ends of their type are obeyed, not trapped on`() {
        var limits = WebSocketLimits()
        limits.messageBytesMax = .max
        limits.fragmentsMax = .max
        let frame = FrameEncoder.maskedFrame(.text, [0x61], maskingKey: key)
        #expect(Outcome(frame, limits: limits).received == [.text([0x61])])
        limits.messageBytesMax = 0
        limits.fragmentsMax = 0
        #expect(Outcome(frame, limits: limits).violation == .messageTooBig)
        limits.messageBytesMax = .min
        limits.fragmentsMax = .min
        #expect(Outcome(frame, limits: limits).violation == .messageTooBig)
    }
}

import Testing
import WebSocket

@testable import websocket_gateway

@Suite struct ServerFrameScannerTests {
    private static let payloads: [[UInt8]] = [0, 1, 125, 126, 300, 65_535, 65_536].map { size in
        (0..<size).map { UInt8(truncatingIfNeeded: $0) }
    }
    private static let stream =
        payloads.flatMap { FrameEncoder.frame(.text, $0) } + FrameEncoder.frame(.ping, [1, 2]) + FrameEncoder.close(.normal)

    @Test(arguments: [1, 2, 3, 7, 127, 4096, 65_537, 1_000_000])
    func `frames are the same however their bytes are split`(_ size: Int) throws {
        var scanner = ServerFrameScanner(deflate: false)
        var frames: [(Opcode, [UInt8])] = []
        var bytes = 0
        var start = 0
        while start < Self.stream.count {
            let end = min(start + size, Self.stream.count)
            try scanner.receive(Self.stream[start..<end].span) { head, payload in
                frames.append((head.opcode, payload.copied()))
                bytes += head.frameBytes
                return !head.isCompressed
            }
            start = end
        }
        #expect(frames.map(\.0) == Self.payloads.map { _ in .text } + [.ping, .close])
        #expect(frames.prefix(Self.payloads.count).map(\.1) == Self.payloads)
        #expect(bytes == Self.stream.count)
    }

    private static let unexpected: [[UInt8]] = [
        // Masked, fragmented, a reserved opcode, a continuation of nothing.
        [0x81, 0x80], [0x01, 0x00], [0x83, 0x00], [0x80, 0x00],
        // RSV2, RSV3, and RSV1 on what is never compressed (RFC 7692 §6.1).
        [0xA1, 0x00], [0x91, 0x00], [0xE1, 0x00], [0xC0, 0x00], [0xC8, 0x00], [0xC9, 0x00], [0xCA, 0x00],
        // Lengths not in their shortest form, a control frame of more than 125 bytes (RFC 6455 §5.2, §5.5).
        [0x81, 126, 0, 125], [0x81, 127, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF], [0x89, 126, 0, 126], [0x88, 127],
    ]

    @Test(arguments: unexpected, [false, true])
    func `what the gateway never sends is refused`(_ bytes: [UInt8], deflate: Bool) {
        var scanner = ServerFrameScanner(deflate: deflate)
        #expect(throws: ServerFrameScanner.Fault.unexpectedFrame) { try scanner.receive(bytes.span) { _, _ in true } }
    }

    @Test func `RSV1 means a compressed message where that is agreed, and is refused elsewhere`() throws {
        let stream =
            FrameEncoder.frame(.text, [1, 2, 3], rsv1: true) + FrameEncoder.frame(.text, [4]) + FrameEncoder.frame(.binary, [], rsv1: true)
        var heads: [ServerFrameScanner.Head] = []
        var agreed = ServerFrameScanner(deflate: true)
        try agreed.receive(stream.span) { head, payload in
            heads.append(head)
            return payload.count == head.payloadBytes
        }
        #expect(heads.map(\.isCompressed) == [true, false, true])
        #expect(heads.map(\.opcode) == [.text, .text, .binary])
        #expect(heads.map(\.frameBytes) == [5, 3, 2])
        var declined = ServerFrameScanner(deflate: false)
        #expect(throws: ServerFrameScanner.Fault.unexpectedFrame) { try declined.receive(stream.span) { _, _ in true } }
    }

    @Test func `a length beyond any event is refused before it is stored`() {
        var scanner = ServerFrameScanner(deflate: false)
        #expect(throws: ServerFrameScanner.Fault.frameTooLong) {
            try scanner.receive(([0x81, 127, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF] as [UInt8]).span) { _, _ in true }
        }
    }

    @Test func `a frame of many messages may be longer, where the server makes such`() throws {
        let frame = FrameEncoder.frame(.binary, Array(repeating: 7, count: ServerFrameScanner.frameBytesMax + 1))
        var scanner = ServerFrameScanner(deflate: false)
        #expect(throws: ServerFrameScanner.Fault.frameTooLong) { try scanner.receive(frame.span) { _, _ in true } }
        var joined = ServerFrameScanner(deflate: false, frameBytesMax: ServerFrameScanner.joinedFrameBytesMax)
        var sizes: [Int] = []
        try joined.receive(frame.span) { head, payload in
            sizes.append(payload.count)
            return true
        }
        #expect(sizes == [ServerFrameScanner.frameBytesMax + 1])
    }

    @Test func `the receiver can stop`() throws {
        var scanner = ServerFrameScanner(deflate: false)
        var count = 0
        try scanner.receive(Self.stream.span) { _, _ in
            count += 1
            return false
        }
        #expect(count == 1)
    }
}

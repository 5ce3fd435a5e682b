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
        var scanner = ServerFrameScanner()
        var frames: [(Opcode, [UInt8])] = []
        var start = 0
        while start < Self.stream.count {
            let end = min(start + size, Self.stream.count)
            try scanner.receive(Self.stream[start..<end].span) { opcode, payload in
                frames.append((opcode, payload.indices.map { payload[$0] }))
                return true
            }
            start = end
        }
        #expect(frames.map(\.0) == Self.payloads.map { _ in .text } + [.ping, .close])
        #expect(frames.prefix(Self.payloads.count).map(\.1) == Self.payloads)
    }

    @Test(arguments: [[0x81, 0x80], [0x01, 0x00], [0xC1, 0x00], [0x83, 0x00], [0x80, 0x00]] as [[UInt8]])
    func `what the gateway never sends is refused`(_ bytes: [UInt8]) {
        var scanner = ServerFrameScanner()
        #expect(throws: ServerFrameScanner.Fault.unexpectedFrame) { try scanner.receive(bytes.span) { _, _ in true } }
    }

    @Test func `a length beyond any event is refused before it is stored`() {
        var scanner = ServerFrameScanner()
        #expect(throws: ServerFrameScanner.Fault.frameTooLong) {
            try scanner.receive(([0x81, 127, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF] as [UInt8]).span) { _, _ in true }
        }
    }

    @Test func `the receiver can stop`() throws {
        var scanner = ServerFrameScanner()
        var count = 0
        try scanner.receive(Self.stream.span) { _, _ in
            count += 1
            return false
        }
        #expect(count == 1)
    }
}

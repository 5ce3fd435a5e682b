import Testing
import WebSocket

@Suite("Compressed messages (RFC 7692 §6.2)")
struct CompressedMessageTests {
    private let inflater = Inflater()!

    private func open(_ opcode: Opcode, _ bytes: [UInt8], max: Int = 65_536) throws(ProtocolViolation) -> Received {
        try CompressedMessage.open(opcode, bytes, frames: 1, with: inflater, max: max)
    }

    @Test func `a message opens to its text or bytes`() throws {
        let hello = hex("f2 48 cd c9 c9 07 00")
        #expect(try open(.text, hello) == .text(Array("Hello".utf8)))
        #expect(try open(.binary, hello) == .binary(Array("Hello".utf8)))
        #expect(try open(.text, [0x00]) == .text([]))
    }

    @Test(arguments: ["00 01 00 fe ff ff 00", "00 02 00 fd ff 61 e2 00", "00 02 00 fd ff c0 80 00", "00 03 00 fc ff ed a0 80 00"])
    func `text is UTF-8 and whole once it is inflated, binary is anything`(bytes: String) throws {
        #expect(throws: ProtocolViolation.invalidUTF8) { try open(.text, hex(bytes)) }
        guard case .binary = try open(.binary, hex(bytes)) else { Issue.record("no message"); return }
    }

    @Test func `a character may be split over blocks`() throws {
        #expect(try open(.text, hex("00 01 00 fe ff e2 00 02 00 fd ff 82 ac 00")) == .text(Array("€".utf8)))
    }

    @Test func `the limit is on what is inflated`() throws {
        let hello = hex("f2 48 cd c9 c9 07 00")
        #expect(try open(.text, hello, max: 5) == .text(Array("Hello".utf8)))
        #expect(throws: ProtocolViolation.messageTooBig) { try open(.text, hello, max: 4) }
        #expect(throws: ProtocolViolation.invalidDeflate) { try open(.text, [0x06]) }
    }

    @Test(arguments: DeflateClass.allCases)
    func `what a client's frames carry, cut and split, is what it meant`(deflateClass: DeflateClass) throws {
        let deflater = try #require(Deflater(deflateClass))
        for seed: UInt64 in 0..<100 {
            var generator = SeededGenerator(seed: seed)
            let message = Candles.json(.random(in: 100...3_000, using: &generator), using: &generator)
            let compressed = try #require(deflater.deflate(message))
            let cut = Int.random(in: 0...compressed.count, using: &generator)
            let key = UInt32.random(in: 0 ... .max, using: &generator)
            let stream =
                FrameEncoder.maskedFrame(.text, Array(compressed[..<cut]), maskingKey: key, fin: false, rsv1: true)
                + FrameEncoder.maskedFrame(.ping, [], maskingKey: key)
                + FrameEncoder.maskedFrame(.continuation, Array(compressed[cut...]), maskingKey: ~key)
            for pieces in [[Int.max], [1], [7, 100]] {
                let received = Outcome(stream, deflate: true, pieces: pieces).received
                #expect(received == [.ping([]), .compressed(.text, compressed, frames: 2)], "seed \(seed)")
            }
            #expect(try open(.text, compressed, max: message.count) == .text(message), "seed \(seed)")
        }
    }
}

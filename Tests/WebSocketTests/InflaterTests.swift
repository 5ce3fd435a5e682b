import Testing
import WebSocket

@Suite("Decompressing (RFC 7692 §7.2.2, §7.2.3)")
struct InflaterTests {
    private let inflater = Inflater()!
    private let empty: [UInt8] = []

    private func inflate(_ bytes: [UInt8], max: Int = 65_536) throws(ProtocolViolation) -> [UInt8] {
        try inflater.inflate(bytes, max: max)
    }

    private static let examples: [(String, String)] = [
        ("§7.2.3.1, one block", "f2 48 cd c9 c9 07 00"),
        ("§7.2.3.3, a block without compression", "00 05 00 fa ff 48 65 6c 6c 6f 00"),
        ("§7.2.3.4, BFINAL set", "f3 48 cd c9 c9 07 00 00"),
        ("§7.2.3.5, two blocks", "f2 48 05 00 00 00 ff ff ca c9 c9 07 00"),
        // Not the RFC's, but of one meaning only.
        ("BFINAL set and nothing behind", "f3 48 cd c9 c9 07 00"),
        ("BFINAL set, and the tail not left out", "f3 48 cd c9 c9 07 00 00 00 00 ff ff"),
        ("the tail not left out", "f2 48 cd c9 c9 07 00 00 00 ff ff"),
        ("BFINAL set on two blocks", "01 02 00 fd ff 48 65 01 03 00 fc ff 6c 6c 6f 00"),
        ("BFINAL set on the first of two blocks", "01 02 00 fd ff 48 65 00 03 00 fc ff 6c 6c 6f 00"),
        ("empty blocks around", "00 00 00 ff ff 03 00 f2 48 cd c9 c9 07 00 00 00 ff ff 03 00 00"),
    ]

    @Test(arguments: examples)
    func `the RFC's Hello is read in every form`(form: String, bytes: String) throws {
        #expect(try inflate(hex(bytes)) == Array("Hello".utf8), "\(form)")
        #expect(try inflate(hex(bytes), max: 5) == Array("Hello".utf8))
        #expect(throws: ProtocolViolation.messageTooBig) { try inflate(hex(bytes), max: 4) }
        #expect(throws: ProtocolViolation.messageTooBig) { try inflate(hex(bytes), max: 0) }
    }

    /// No context takeover was agreed: the second message of §7.2.3.2 refers to nothing we have.
    @Test func `a message that refers to the one before it is invalid (§7_2_3_2)`() throws {
        #expect(try inflate(hex("f2 48 cd c9 c9 07 00")) == Array("Hello".utf8))
        #expect(throws: ProtocolViolation.invalidDeflate) { try inflate(hex("f2 00 11 00 00")) }
        #expect(try inflate(hex("f2 48 cd c9 c9 07 00")) == Array("Hello".utf8))
    }

    /// §7.2.1: "The next DEFLATE block follows the padded data if any."
    @Test func `a block behind the final one may refer to what was before it`() throws {
        // "Hello" in a final block, then a fixed block that copies 5 bytes from 5 back.
        #expect(try inflate(hex("f3 48 cd c9 c9 07 00  02 13 00 00")) == Array("HelloHello".utf8))
    }

    @Test(arguments: ["00", "", "02 00", "03 00 00", "03 00", "00 00 00 ff ff", "00 00 00 ff ff 00 00 00 ff ff 00"])
    func `a message may be empty (§7_2_3_6)`(bytes: String) throws {
        #expect(try inflate(hex(bytes)) == [])
        #expect(try inflate(hex(bytes), max: 0) == [])
    }

    @Test(arguments: PythonDeflate.forms)
    func `another zlib's output is read, and no part of it taken for the whole`(form: String, bytes: String) throws {
        let bytes = packedHex(bytes)
        #expect(try inflate(bytes) == PythonDeflate.message, "\(form)")
        for count in 0..<bytes.count {
            guard let message = try? inflate(Array(bytes[..<count])) else { continue }
            // Between two blocks a message may end, and the last of them may be left out.
            #expect(
                message == PythonDeflate.message || message.isEmpty
                    || form.contains("flushes") && PythonDeflate.message.starts(with: message))
        }
    }

    @Test(arguments: [
        // Reserved block type; wrong complement of a length; no such distance; invalid code lengths.
        "06", "07", "ff", "00 05 00 fa fe 48 65 6c 6c 6f 00", "f2 00 11 00 00", "04 c0 81 08 00 00 00 00 20 7f eb", "ed ff ff",
        // Cut short: in a stored block, in its header, in Huffman data, in a dynamic block's tables.
        "00 05 00 fa ff 48", "00 05 00 fa ff 48 65", "01 05 00 fa ff 48", "00 05 00", "00 05", "f2 48 cd", "f2 48 cd c9 c9",
        "34 8d 41 0a 83",
        // A byte that is no block behind the final one.
        "f3 48 cd c9 c9 07 00 06", "f3 48 cd c9 c9 07 00 ff",
        // With zlib's header, with gzip's.
        "78 9c f3 48 cd c9 c9 07 00 05 8c 01 f5", "1f 8b 08 00 00 00 00 00 00 03 f3 48 cd c9 c9 07 00 82 89 d1 f7 05 00 00 00",
        // Text.
        "7b 22 61 22 3a 31 7d",
    ])
    func `garbage and what is cut short are invalid`(bytes: String) throws {
        #expect(throws: ProtocolViolation.invalidDeflate) { try inflate(hex(bytes)) }
        #expect(try inflate(hex("f2 48 cd c9 c9 07 00")) == Array("Hello".utf8))
    }

    // MARK: Limits

    /// Segments that each end with a flush join to one stream.
    private func zeros(_ count: Int, perSegment: Int = 65_536) throws -> [UInt8] {
        let segment = try #require(Deflater(.window12)?.deflate([UInt8](repeating: 0, count: perSegment)))
        return (0..<count / perSegment).flatMap { _ in segment + [0x00, 0x00, 0xFF, 0xFF] } + [0x00]
    }

    @Test(arguments: [0, 1, 100, 65_535, 65_536, 65_537, 1_000_000, 1 << 20])
    func `64 MiB of zeros are refused at the limit`(max: Int) throws {
        let bomb = try zeros(64 << 20)
        #expect(bomb.count < 500_000)
        #expect(throws: ProtocolViolation.messageTooBig) { try inflate(bomb, max: max) }
        #expect(try inflate(hex("f2 48 cd c9 c9 07 00")) == Array("Hello".utf8))
    }

    /// What is behind the limit was not looked at: garbage there is not found.
    @Test(arguments: [0, 1, 1_000, 65_535, 65_536, 65_537, 131_071])
    func `a message over the limit is refused as soon as that is certain`(max: Int) throws {
        let start = try #require(Deflater(.window12)?.deflate([UInt8](repeating: 0, count: max + 1 + 300)))
        #expect(throws: ProtocolViolation.messageTooBig) { try inflate(start + [0x00, 0x00, 0xFF, 0xFF] + hex("ff ff ff ff"), max: max) }
    }

    @Test(arguments: [1, 2, 100, 65_535, 65_536, 65_537, 131_072, 131_073, 300_000])
    func `a message of exactly the limit passes at its size, one byte less of a limit refuses it`(count: Int) throws {
        var generator = SeededGenerator(seed: UInt64(count))
        var message = Candles.json(count, using: &generator)
        message.removeLast(message.count - count)
        // A message that does not compress goes in stored blocks.
        let compressed = Deflater(.window12)?.deflate(message) ?? stored(message)
        let inflated = try inflate(compressed, max: count)
        #expect(inflated == message)
        #expect(inflated.capacity < count + 64)
        #expect(try inflate(compressed, max: count + 1) == message)
        #expect(try inflate(compressed, max: .max) == message)
        #expect(throws: ProtocolViolation.messageTooBig) { try inflate(compressed, max: count - 1) }
    }

    @Test func `limits at the ends of their type are obeyed, not trapped on`() throws {
        let hello = hex("f2 48 cd c9 c9 07 00")
        #expect(try inflate(hello, max: .max) == Array("Hello".utf8))
        #expect(throws: ProtocolViolation.messageTooBig) { try inflate(hello, max: -1) }
        #expect(throws: ProtocolViolation.messageTooBig) { try inflate(hello, max: .min) }
        #expect(throws: ProtocolViolation.messageTooBig) { try inflate(empty, max: .min) }
    }

    @Test func `a distance of 32 KiB is within the window, also where the buffer begins anew`() throws {
        var generator = SeededGenerator(seed: 15)
        let noise = (0..<32_768).map { _ in UInt8.random(in: 0...255, using: &generator) }
        // A fixed block: length 3 (code 0000001), distance code 29 with 13 extra bits all set (32,768), end of block.
        let copy: [UInt8] = hex("02 de ff 0f 00")
        for before in [0, 1, 30_000, 65_533, 65_534, 65_535, 65_536, 100_000] {
            let message = [UInt8](repeating: 7, count: before) + noise
            let inflated = try inflate(Array(stored(message).dropLast()) + copy, max: .max)
            #expect(inflated == message + noise[..<3])
        }
    }

    /// A dynamic block that makes nothing in 90 bits: its codes have one symbol each, and must be built all the same.
    private static let emptyBlock: (bits: [Bool], count: Int) = {
        var bits: [Bool] = []
        func put(_ value: Int, _ count: Int) { for bit in 0..<count { bits.append(value >> bit & 1 == 1) } }
        // BFINAL 0, BTYPE 10, HLIT 257, HDIST 1, HCLEN 18: lengths of 1 for the code lengths 18 (third in their order) and 1 (last but one).
        put(0, 1); put(2, 2); put(0, 5); put(0, 5); put(14, 4)
        for place in 0..<18 { put(place == 2 || place == 17 ? 1 : 0, 3) }
        // Code 1 is 0, code 18 is 1: 138 and 118 times nothing, then one literal/length code for the end of the block, one distance code.
        put(1, 1); put(127, 7); put(1, 1); put(107, 7); put(0, 1); put(0, 1)
        put(0, 1)
        return (bits, bits.count)
    }()

    /// So many empty blocks, and "Hello" in a stored one.
    private func hello(behind count: Int) -> [UInt8] {
        var bits = (0..<count).flatMap { _ in Self.emptyBlock.bits } + [false, false, false]
        while bits.count % 8 != 0 { bits.append(false) }
        let bytes = stride(from: 0, to: bits.count, by: 8).map { start in
            (0..<8).reduce(UInt8(0)) { $0 | (bits[start + $1] ? 1 << UInt8($1) : 0) }
        }
        return bytes + hex("05 00 fa ff 48 65 6c 6c 6f 00")
    }

    @Test func `a message has as many blocks as a compressor could make of it, and not one more`() throws {
        for frames in [1, 2, 64] {
            let blocksMax = 16 + 2 * frames
            // The stored block counts as well, once it has ended.
            let fine = try inflater.inflate(hello(behind: blocksMax - 1).span, frames: frames, max: 100)
            #expect(fine == Array("Hello".utf8))
            #expect(throws: ProtocolViolation.tooManyDeflateBlocks) {
                try inflater.inflate(hello(behind: blocksMax).span, frames: frames, max: 100)
            }
        }
        #expect(throws: ProtocolViolation.tooManyDeflateBlocks) { try inflate(hello(behind: 5800)) }
        #expect(try inflate(hex("f2 48 cd c9 c9 07 00")) == Array("Hello".utf8), "the next message is judged by itself")
    }

    /// §7.2.3.3's form.
    private func stored(_ message: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        for start in stride(from: 0, to: message.count, by: 65_535) {
            let block = message[start..<min(start + 65_535, message.count)]
            let low = UInt8(truncatingIfNeeded: block.count)
            let high = UInt8(truncatingIfNeeded: block.count >> 8)
            bytes += [0x00, low, high, ~low, ~high] + block
        }
        return bytes + [0x00]
    }

    // MARK: Fuzz

    @Test func `random bytes never trap`() {
        var generator = SeededGenerator(seed: 100)
        var inflated = 0
        for _ in 0..<100_000 {
            var bytes = (0..<Int.random(in: 0...40, using: &generator)).map { _ in UInt8.random(in: 0...255, using: &generator) }
            // Every second one begins as a block of some kind.
            if let first = bytes.first, first & 0x80 == 0 {
                bytes[0] = [0x00, 0x01, 0x02, 0x03, 0x04, 0x05][Int(first) % 6] | first & 0xF8
            }
            if (try? inflate(bytes, max: 1_000)) != nil { inflated += 1 }
        }
        #expect(inflated > 100)
    }

    @Test func `damaged messages never trap, never exceed the limit, and leave the inflater whole`() throws {
        var generator = SeededGenerator(seed: 200)
        let forms = PythonDeflate.forms.map { packedHex($0.hex) }
        for round in 0..<50_000 {
            var bytes = forms[round % forms.count]
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] ^= 1 << UInt8.random(in: 0...7, using: &generator)
            }
            if let message = try? inflate(bytes, max: 200) { #expect(message.count <= 200) }
            if round % 1_000 == 0 { #expect(try inflate(forms[0]) == PythonDeflate.message) }
        }
    }
}

import Testing
import WebSocket

@Suite("Streams of messages")
struct MessageReaderTests {
    @Test(arguments: [PeerRole.server, .client])
    func `a stream decodes the same however its bytes are split`(role: PeerRole) {
        for seed: UInt64 in 0..<300 {
            let stream = RandomStream(seed: seed, role: role)
            var generator = SeededGenerator(seed: ~seed)
            let pieces = (0..<20).map { _ in Int.random(in: 1...40, using: &generator) }
            for pieces in [[Int.max], [1], [2, 3], pieces] {
                let outcome = Outcome(stream.bytes, role: role, pieces: pieces)
                #expect(outcome.received == stream.expected && outcome.violation == nil, "seed \(seed), pieces \(pieces)")
            }
        }
    }

    @Test func `a damaged stream ends the same however its bytes are split`() {
        for seed: UInt64 in 0..<500 {
            var bytes = RandomStream(seed: seed, role: .server).bytes
            var generator = SeededGenerator(seed: ~seed)
            for _ in 0..<3 { bytes[Int.random(in: 0..<bytes.count, using: &generator)] = .random(in: 0...255, using: &generator) }
            let whole = Outcome(bytes)
            #expect(Outcome(bytes, pieces: [1]) == whole, "seed \(seed)")
            #expect(Outcome(bytes, pieces: [5, 1, 9]) == whole, "seed \(seed)")
        }
    }

    @Test(arguments: [PeerRole.server, .client])
    func `a stream with compressed messages decodes the same however its bytes are split`(role: PeerRole) {
        for seed: UInt64 in 1_000..<1_300 {
            let stream = RandomStream(seed: seed, role: role, deflate: true)
            var generator = SeededGenerator(seed: ~seed)
            let pieces = (0..<20).map { _ in Int.random(in: 1...40, using: &generator) }
            for pieces in [[Int.max], [1], [2, 3], pieces] {
                let outcome = Outcome(stream.bytes, role: role, deflate: true, pieces: pieces)
                #expect(outcome.received == stream.expected && outcome.violation == nil, "seed \(seed), pieces \(pieces)")
            }
        }
    }

    @Test func `a damaged stream with compressed messages ends the same however its bytes are split`() {
        for seed: UInt64 in 1_000..<1_500 {
            var bytes = RandomStream(seed: seed, role: .server, deflate: true).bytes
            var generator = SeededGenerator(seed: ~seed)
            for _ in 0..<3 { bytes[Int.random(in: 0..<bytes.count, using: &generator)] = .random(in: 0...255, using: &generator) }
            let whole = Outcome(bytes, deflate: true)
            #expect(Outcome(bytes, deflate: true, pieces: [1]) == whole, "seed \(seed)")
            #expect(Outcome(bytes, deflate: true, pieces: [5, 1, 9]) == whole, "seed \(seed)")
        }
    }

    @Test(
        arguments: [
            // The byte, its place in a stream after a whole ping frame of six bytes, and what is wrong with it.
            (.reservedBits, [0xC1, 0x80], 0), (.reservedOpcode(3), [0x83, 0x80], 0), (.unexpectedContinuation, [0x80, 0x80], 0),
            (.fragmentedControlFrame, [0x09, 0x80], 0), (.unmaskedClientFrame, [0x81, 0x05], 1), (.controlFrameTooLong, [0x89, 0xFE], 1),
            (.oneByteCloseBody, [0x88, 0x81], 1), (.nonMinimalLength, [0x81, 0xFE, 0x00, 0x7D], 3),
            (.lengthTopBitSet, [0x81, 0xFF, 0x80], 2),
            // "a", 0xFF: text whose second byte cannot be.
            (.invalidUTF8, [0x81, 0x83, 0, 0, 0, 0, 0x61, 0xFF, 0x62], 7),
            // Two of the three bytes of a character, and no more: wrong where the message ends.
            (.invalidUTF8, [0x81, 0x82, 0, 0, 0, 0, 0xE2, 0x82], 8),
            // Close code 1005; and 1000 with a reason whose second byte cannot be.
            (.invalidCloseCode(1005), [0x88, 0x82, 0, 0, 0, 0, 0x03, 0xED], 7),
            (.invalidUTF8CloseReason, [0x88, 0x84, 0, 0, 0, 0, 0x03, 0xE8, 0x61, 0xFF], 9),
            // 65,537 bytes are announced.
            (.messageTooBig, [0x82, 0xFF, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0], 14),
        ] as [(ProtocolViolation, [UInt8], Int)])
    func `a violation is found at its byte, however the bytes are split`(violation: ProtocolViolation, bytes: [UInt8], offset: Int) {
        let ping = FrameEncoder.maskedFrame(.ping, [], maskingKey: 1)
        for pieces in [[Int.max], [1], [2], [7, 3], [3, 1, 4]] {
            let outcome = Outcome(ping + bytes + [0, 0, 0], pieces: pieces)
            #expect(outcome.violation == violation && outcome.violationOffset == ping.count + offset, "\(violation), \(pieces): \(outcome)")
        }
    }

    @Test func `random bytes never trap`() {
        var generator = SeededGenerator(seed: 13)
        for _ in 0..<100_000 {
            var bytes: [UInt8] = []
            while bytes.count < 24 {
                let word = generator.next()
                for shift in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: word >> (shift * 8))) }
            }
            // Half of them begin plausibly, so as to get beyond the first two bytes.
            if bytes[2] & 1 == 0 {
                bytes[0] = [0x81, 0x82, 0x01, 0x88, 0x89, 0xC1, 0x41][Int(bytes[3]) % 7]
                bytes[1] |= 0x80
            }
            let pieces = bytes[5] & 1 == 0 ? [Int.max] : [3]
            _ = Outcome(bytes, role: bytes[4] & 3 == 0 ? .client : .server, deflate: bytes[4] & 4 == 0, pieces: pieces)
        }
    }

    @Test func `what follows a close is discarded`() throws {
        let close = FrameEncoder.maskedFrame(.close, [0x03, 0xE8], maskingKey: 1)
        let stream = close + hex("FF FF FF") + FrameEncoder.maskedFrame(.ping, [], maskingKey: 1)
        #expect(Outcome(stream) == Outcome(close))
        #expect(Outcome(stream).received == [.close(.normal, reason: [])])
    }

    @Test func `what follows a violation is discarded`() throws {
        var reader = MessageReader(role: .server)
        let broken = hex("01 82 00 00 00 00 61 FF 00")
        var position = 0
        #expect(throws: ProtocolViolation.invalidUTF8) { try reader.next(broken.span, at: &position) }
        #expect(reader.isMidMessage == false)
        #expect(reader.storedBytes == 0)
        let good = FrameEncoder.maskedFrame(.text, [0x61], maskingKey: 1)
        position = 0
        let message = try reader.next(good.span, at: &position)
        #expect(message == nil)
        #expect(position == good.count)
    }

    @Test func `messages in one input come one by one`() throws {
        let bytes = FrameEncoder.frame(.text, [0x61]) + FrameEncoder.frame(.text, [0x62])
        var reader = MessageReader(role: .client)
        var position = 0
        let first = try reader.next(bytes.span, at: &position)
        #expect(first == .text([0x61]))
        #expect(position == 3)
        let second = try reader.next(bytes.span, at: &position)
        #expect(second == .text([0x62]))
        #expect(position == 6)
        let third = try reader.next(bytes.span, at: &position)
        #expect(third == nil)
    }

    @Test func `a data message is open from its first byte to its last, a control frame never`() throws {
        var reader = MessageReader(role: .client)
        var open: [Bool] = []
        for byte in hex("89 01 61  81 02 61 62  01 01 61  89 01 61  80 01 62") {
            var position = 0
            _ = try reader.next([byte].span, at: &position)
            open.append(reader.isMidMessage)
        }
        #expect(open == [false, false, false, true, true, true, false, true, true, true, true, true, true, true, true, false])
    }

    @Test func `an idle reader is small and stores nothing`() throws {
        #expect(MemoryLayout<MessageReader>.size <= 96)
        var reader = MessageReader(role: .server, deflate: true)
        let frames: [(Opcode, rsv1: Bool)] = [
            (.text, false), (.text, true), (.binary, true), (.binary, false), (.ping, false), (.pong, false),
        ]
        for (opcode, rsv1) in frames {
            let frame = FrameEncoder.maskedFrame(opcode, [UInt8](repeating: 0x61, count: 100), maskingKey: 7, rsv1: rsv1)
            for byte in frame {
                var position = 0
                _ = try reader.next([byte].span, at: &position)
            }
            #expect(reader.storedBytes == 0)
        }
    }

    @Test func `a length that is only announced costs nothing`() throws {
        var reader = MessageReader(role: .server)
        var position = 0
        let header = hex("81 FF 00 00 00 00 00 01 00 00 00 00 00 00")
        _ = try reader.next(header.span, at: &position)
        #expect(reader.storedBytes == 0)
        #expect(reader.isMidMessage == true)
        position = 0
        _ = try reader.next(Array("fffff".utf8).span, at: &position)
        #expect(position == 5)
        #expect(reader.storedBytes < 64)
    }

    @Test func `a message in one piece takes the room it is lent, and gives it back`() throws {
        var reader = MessageReader(role: .server)
        var spare: [UInt8] = []
        spare.reserveCapacity(100)
        for (opcode, count) in [(Opcode.text, 100), (.binary, 3), (.text, 0), (.binary, 100)] {
            let payload = [UInt8](repeating: 0x61, count: count)
            let frame = FrameEncoder.maskedFrame(opcode, payload, maskingKey: 7)
            var position = 0
            let message = try #require(try reader.next(frame.span, at: &position, reusing: &spare))
            #expect(message == (opcode == .text ? .text(payload) : .binary(payload)))
            #expect((spare.capacity == 0) == (count > 0), "the message has it")
            message.leaveRoom(in: &spare)
            #expect(spare.isEmpty && spare.capacity >= 100)
        }
    }

    @Test func `a compressed message leaves the room that it was lent`() throws {
        var reader = MessageReader(role: .server, deflate: true)
        var spare: [UInt8] = []
        spare.reserveCapacity(100)
        let frame = FrameEncoder.maskedFrame(.text, [UInt8](repeating: 1, count: 50), maskingKey: 7, rsv1: true)
        var position = 0
        let message = try #require(try reader.next(frame.span, at: &position, reusing: &spare))
        #expect(message == .compressed(.text, [UInt8](repeating: 1, count: 50), frames: 1) && spare.capacity == 0)
        message.leaveRoom(in: &spare)
        #expect(spare.isEmpty && spare.capacity >= 100)
    }

    @Test func `what is not whole, too long or no message takes no lent room`() throws {
        let whole = FrameEncoder.maskedFrame(.binary, [UInt8](repeating: 1, count: 60), maskingKey: 7)
        let inputs = [
            Array(whole.dropLast()), FrameEncoder.maskedFrame(.binary, [1, 2, 3], maskingKey: 7, fin: false),
            FrameEncoder.maskedFrame(.binary, [UInt8](repeating: 1, count: 1_000), maskingKey: 7),
            FrameEncoder.maskedFrame(.ping, [1, 2, 3], maskingKey: 7),
        ]
        for input in inputs {
            var spare: [UInt8] = []
            spare.reserveCapacity(100)
            let room = address(spare)
            var reader = MessageReader(role: .server)
            var position = 0
            let message = try reader.next(input.span, at: &position, reusing: &spare)
            #expect(address(spare) == room)
            message?.leaveRoom(in: &spare)
            if case .binary = message {
                #expect(spare.isEmpty && spare.capacity >= 1_000, "the longer room is the spare one now")
            } else {
                #expect(address(spare) == room)
            }
        }
    }

    private func address(_ bytes: [UInt8]) -> UInt { unsafe bytes.withUnsafeBufferPointer { UInt(bitPattern: $0.baseAddress) } }

    @Test func `a message in one piece is stored at its size`() {
        let frame = FrameEncoder.maskedFrame(.binary, [UInt8](repeating: 0x61, count: 5_000), maskingKey: 7)
        guard case .binary(let bytes)? = Outcome(frame).received.first else { Issue.record("no message"); return }
        #expect(bytes.capacity < 5_000 + 64)
    }

    @Test func `a Close inside a fragmented message gives back what was stored of it`() throws {
        var reader = MessageReader(role: .server)
        let input: [UInt8] = [0x01, 0x81, 0, 0, 0, 0, 0x61, 0x88, 0x80, 0, 0, 0, 0]
        var position = 0
        let received = try reader.next(input.span, at: &position)
        #expect(received == .close(nil, reason: []))
        #expect(reader.storedBytes == 0, "found by the fuzzer")
    }
}

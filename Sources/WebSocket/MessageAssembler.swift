/// Makes messages of frames: unmasks, joins fragments, holds size and text to the rules (RFC 6455 §5.3, §5.4, §8.1).
/// The order of frames is the decoder's to check. A compressed message stays as it is, and so its text unjudged: an inflater
/// for each of ten thousand connections would cost 40 KB each, one for each worker does the same (``CompressedMessage``).
///
/// Flow: FrameDecoder → **MessageAssembler** → Connection
package struct MessageAssembler {
    private enum Kind {
        case text
        case binary
        case compressed(Opcode)
    }

    let messageBytesMax: Int
    private var kind = Kind.binary
    /// Frames of the open message.
    private var frames: UInt32 = 0
    private var utf8 = UTF8Validator()
    /// What has arrived of the open message. Empty arrays own no memory: an idle connection holds none.
    private var message: [UInt8] = []
    /// Apart from `message`, as control frames stand between fragments (§5.4).
    private var control: [UInt8] = []

    package init(messageBytesMax: Int) { self.messageBytesMax = messageBytesMax }

    /// What the stored bytes cost, for the gateway's memory budget; 0 between messages.
    package var storedBytes: Int { message.capacity + control.capacity }

    /// A frame begins. Its announced length is judged before any of it is stored (§10.4).
    package mutating func begin(_ header: FrameHeader) throws(ProtocolViolation) {
        guard !header.opcode.isControl else { return }
        // Subtracting what is stored cannot overflow; adding what a peer announces could.
        guard header.payloadLength <= messageBytesMax - message.count else { throw .messageTooBig }
        frames = header.opcode == .continuation ? frames + 1 : 1
        switch header.opcode {
        case .text: kind = header.rsv1 ? .compressed(.text) : .text
        case .binary: kind = header.rsv1 ? .compressed(.binary) : .binary
        default: break
        }
    }

    /// A piece of the frame's payload, `offset` bytes into it. A message in one piece takes the room of `spare`, which is empty.
    package mutating func receive(
        _ piece: Span<UInt8>, of header: FrameHeader, at offset: Int, reusing spare: inout [UInt8]
    ) throws(ProtocolViolation) {
        if header.opcode.isControl {
            Masking.append(piece, key: header.maskingKey, offset: offset, to: &control)
            if header.opcode == .close { try CloseBody.check(control.span, isWhole: false) }
            return
        }
        let start = message.count
        // A message in one piece gets room of exactly its size without asking.
        if start > 0 || !header.fin || piece.count < header.payloadLength {
            makeRoom(for: piece.count, left: header.fin ? header.payloadLength - offset : nil)
        } else if piece.count <= spare.capacity {
            swap(&message, &spare)
        }
        Masking.append(piece, key: header.maskingKey, offset: offset, to: &message)
        guard case .text = kind else { return }
        // A copy, as a span of one property keeps the compiler from changing another.
        var validator = utf8
        guard validator.feed(message.span.extracting(start...)) else { throw .invalidUTF8 }
        utf8 = validator
    }

    /// How many of the last `count` bytes received were fine, after ``receive(_:of:at:)`` threw for them.
    package func bytesAccepted(ofLast count: Int, of header: FrameHeader) -> Int {
        if header.opcode == .close {
            let start = control.count - count
            return (start..<control.count).first { !isAcceptableClose(ofFirst: $0 + 1) }.map { $0 - start } ?? count
        }
        let start = message.count - count
        var validator = utf8
        return (start..<message.count).first { !validator.feed(message.span.extracting($0...$0)) }.map { $0 - start } ?? count
    }

    private func isAcceptableClose(ofFirst count: Int) -> Bool {
        do throws(ProtocolViolation) { try CloseBody.check(control.span.extracting(..<count), isWhole: false) } catch { return false }
        return true
    }

    /// The frame is whole. nil when its message goes on.
    package mutating func end(_ header: FrameHeader) throws(ProtocolViolation) -> Received? {
        switch header.opcode {
        case .close:
            try CloseBody.check(control.span, isWhole: true)
            return CloseBody.received(Self.take(&control))
        case .ping: return .ping(Self.take(&control))
        case .pong: return .pong(Self.take(&control))
        case .continuation, .text, .binary:
            guard header.fin else { return nil }
            switch kind {
            case .text:
                guard utf8.isComplete else { throw .invalidUTF8 }
                return .text(Self.take(&message))
            case .binary: return .binary(Self.take(&message))
            case .compressed(let opcode): return .compressed(opcode, Self.take(&message), frames: Int(frames))
            }
        }
    }

    /// Room for what has arrived, at most doubled: a length that is only announced costs nothing. `left` is what the message
    /// can still grow by, where that is known: a message in one piece gets exactly its size in one allocation.
    private mutating func makeRoom(for count: Int, left: Int?) {
        let needed = message.count + count
        guard needed > message.capacity else { return }
        let doubled = max(needed, message.count * 2)
        message.reserveCapacity(left.map { min(doubled, message.count + $0) } ?? doubled)
    }

    private static func take(_ bytes: inout [UInt8]) -> [UInt8] {
        var taken: [UInt8] = []
        swap(&taken, &bytes)
        return taken
    }
}

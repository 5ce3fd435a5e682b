/// Bytes from a peer in, whole and checked messages out. Holds no memory while idle between messages.
///
/// Flow: TCPStream → **MessageReader** (FrameDecoder → MessageAssembler) → Connection
package struct MessageReader: ~Copyable {
    private enum State {
        case header
        case payload(FrameHeader, received: Int)
        /// A Close or a violation ended the stream.
        case ended
    }

    private var state = State.header
    private var decoder: FrameDecoder
    private var assembler: MessageAssembler

    /// What one message may hold: the connection's since it was made.
    package var messageBytesMax: Int { assembler.messageBytesMax }

    /// `deflate`: permessage-deflate is agreed, and messages may arrive as ``Received/compressed(_:_:frames:)``.
    package init(role: PeerRole, limits: WebSocketLimits = .init(), deflate: Bool = false) {
        decoder = FrameDecoder(role: role, fragmentsMax: limits.fragmentsMax, deflate: deflate)
        assembler = MessageAssembler(messageBytesMax: limits.messageBytesMax)
    }

    /// A data message is open: fragmented, or partly received. A peer may not leave it so for long.
    package var isMidMessage: Bool {
        switch state {
        case .header: decoder.isInsideMessage
        case .payload(let header, _): decoder.isInsideMessage || !header.opcode.isControl
        case .ended: false
        }
    }

    /// What the stored bytes cost, for the gateway's memory budget; 0 between messages.
    package var storedBytes: Int { assembler.storedBytes }

    /// Consumes from `input` at `position`, advancing it, up to the end of the next message; nil when the input is used up.
    /// Throws at the first byte that makes the stream invalid, with `position` on it; behind what is wrong only as a whole (a length over the
    /// limit, a text that ends inside a character). What follows a violation or a Close is consumed and discarded (RFC 6455 §1.4: "a peer discards any further data received").
    package mutating func next(_ input: Span<UInt8>, at position: inout Int) throws(ProtocolViolation) -> Received? {
        var none: [UInt8] = []
        return try next(input, at: &position, reusing: &none)
    }

    /// As ``next(_:at:)``; a data message that comes in one piece takes the room of `spare`, an empty array, where that is enough. What is not
    /// whole never holds it. ``Received/leaveRoom(in:)`` gives it back: an array of its own for each message would be a sixth of an echo's instructions.
    package mutating func next(
        _ input: Span<UInt8>, at position: inout Int, reusing spare: inout [UInt8]
    ) throws(ProtocolViolation) -> Received? {
        precondition((0...input.count).contains(position), "the position is within the input")
        do {
            while true {
                let header: FrameHeader
                var received = 0
                switch state {
                case .header:
                    guard let next = try decoder.next(input, at: &position) else { return nil }
                    try assembler.begin(next)
                    header = next
                case .payload(let begun, let count):
                    (header, received) = (begun, count)
                    state = .header
                case .ended:
                    position = input.count
                    return nil
                }
                guard try receivePayload(header, received, input, at: &position, &spare) else { return nil }
                guard let message = try assembler.end(header) else { continue }
                if case .close = message { end() }
                return message
            }
        } catch {
            end()
            throw error
        }
    }

    /// True when the frame is whole; where it is not, the next bytes go on with it. Frames without payload are, before any further byte.
    private mutating func receivePayload(
        _ header: FrameHeader, _ received: Int, _ input: Span<UInt8>, at position: inout Int, _ spare: inout [UInt8]
    ) throws(ProtocolViolation) -> Bool {
        let count = min(header.payloadLength - received, input.count - position)
        if count > 0 {
            do {
                try assembler.receive(input.extracting(position..<position + count), of: header, at: received, reusing: &spare)
            } catch {
                position += assembler.bytesAccepted(ofLast: count, of: header)
                throw error
            }
            position += count
        }
        guard received + count < header.payloadLength else { return true }
        state = .payload(header, received: received + count)
        return false
    }

    /// What was stored of a message that will never be whole is given back at once.
    private mutating func end() {
        state = .ended
        assembler = MessageAssembler(messageBytesMax: 0)
    }
}

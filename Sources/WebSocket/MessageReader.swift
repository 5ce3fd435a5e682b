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

    /// `deflate`: permessage-deflate is agreed, and messages may arrive as ``Received/compressed(_:_:)``.
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
        precondition((0...input.count).contains(position), "the position is within the input")
        do {
            while true {
                switch state {
                case .header:
                    guard let header = try decoder.next(input, at: &position) else { return nil }
                    try assembler.begin(header)
                    state = .payload(header, received: 0)
                case .payload(let header, let received):
                    guard try receivePayload(header, received, input, at: &position) else { return nil }
                    guard let message = try assembler.end(header) else { continue }
                    if case .close = message { end() }
                    return message
                case .ended:
                    position = input.count
                    return nil
                }
            }
        } catch {
            end()
            throw error
        }
    }

    /// True when the frame is whole. Frames without payload are, before any further byte.
    private mutating func receivePayload(
        _ header: FrameHeader, _ received: Int, _ input: Span<UInt8>, at position: inout Int
    ) throws(ProtocolViolation) -> Bool {
        let count = min(header.payloadLength - received, input.count - position)
        if count > 0 {
            do {
                try assembler.receive(input.extracting(position..<position + count), of: header, at: received)
            } catch {
                position += assembler.bytesAccepted(ofLast: count, of: header)
                throw error
            }
            position += count
        }
        let isWhole = received + count == header.payloadLength
        state = isWhole ? .header : .payload(header, received: received + count)
        return isWhole
    }

    /// What was stored of a message that will never be whole is given back at once.
    private mutating func end() {
        state = .ended
        assembler = MessageAssembler(messageBytesMax: 0)
    }
}

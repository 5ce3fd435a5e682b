import WebSocket

/// Input: frames, as the peer of a server and as the peer of a client, with permessage-deflate agreed and without.
enum MessageReaderTarget: FuzzTarget {
    static let name = "message_reader"

    static func run(_ input: [UInt8]) {
        for way in ways {
            let whole = outcome(input, [0..<input.count], way)
            for pieces in Pieces.ways(input) {
                requireEqual(outcome(input, pieces, way), whole, "frames read the same however their bytes are split")
            }
            requireReadsBack(whole.received, way)
        }
    }

    private struct Way {
        let role: PeerRole
        let limits: WebSocketLimits
        let deflate: Bool
    }

    private static let ways = [
        Way(role: .server, limits: WebSocketLimits(), deflate: true), Way(role: .server, limits: small, deflate: false),
        Way(role: .client, limits: small, deflate: true), Way(role: .client, limits: WebSocketLimits(), deflate: false),
    ]

    private static let small = {
        var limits = WebSocketLimits()
        limits.messageBytesMax = 20
        limits.fragmentsMax = 3
        return limits
    }()

    private struct Outcome: Equatable {
        var received: [Received] = []
        var violation: ProtocolViolation?
        var isMidMessage = false
    }

    private static func outcome(_ input: [UInt8], _ pieces: [Range<Int>], _ way: Way) -> Outcome {
        var reader = MessageReader(role: way.role, limits: way.limits, deflate: way.deflate)
        var outcome = Outcome()
        var hasEnded = false
        for piece in pieces {
            do throws(ProtocolViolation) {
                try feed(input.span.extracting(piece), to: &reader, way, &hasEnded, &outcome)
            } catch {
                require(outcome.violation == nil && !hasEnded, "nothing is judged after the end")
                outcome.violation = error
                hasEnded = true
            }
            require(reader.storedBytes <= storedBytesMax(piece.upperBound, way.limits), "stored bytes are bounded by what was received")
            require(!hasEnded || reader.storedBytes == 0 && !reader.isMidMessage, "a reader at its end stores nothing")
        }
        outcome.isMidMessage = reader.isMidMessage
        return outcome
    }

    /// At most double what was received of one message and one control frame, and the allocator's rounding.
    private static func storedBytesMax(_ receivedBytes: Int, _ limits: WebSocketLimits) -> Int {
        2 * min(receivedBytes, limits.messageBytesMax + 125) + 128
    }

    private static func feed(
        _ piece: Span<UInt8>, to reader: inout MessageReader, _ way: Way, _ hasEnded: inout Bool, _ outcome: inout Outcome
    ) throws(ProtocolViolation) {
        var position = 0
        var spare: [UInt8] = []
        while true {
            // Some get room of another's: one for each message, as the outcome keeps them.
            if way.deflate { spare.reserveCapacity(24) }
            guard let received = try reader.next(piece, at: &position, reusing: &spare) else { break }
            require(spare.isEmpty, "what is lent stays empty")
            require(!hasEnded, "nothing is received after a close")
            requireWellFormed(received, way)
            switch received {
            case .text, .binary, .compressed: require(reader.storedBytes == 0 && !reader.isMidMessage, "nothing is stored between messages")
            case .ping, .pong: break
            case .close: hasEnded = true
            }
            outcome.received.append(received)
        }
        require(position == piece.count, "all input is consumed where nothing is returned")
    }

    private static func requireWellFormed(_ received: Received, _ way: Way) {
        switch received {
        case .text(let bytes):
            require(bytes.isValidUTF8, "a text is UTF-8")
            require(bytes.count <= way.limits.messageBytesMax, "a message is within its limit")
        case .binary(let bytes): require(bytes.count <= way.limits.messageBytesMax, "a message is within its limit")
        case .compressed(let opcode, let bytes, let frames):
            require(1...way.limits.fragmentsMax ~= frames, "a message came in as many frames as it may")
            require(way.deflate && (opcode == .text || opcode == .binary), "a message is compressed only where that was agreed")
            require(bytes.count <= way.limits.messageBytesMax, "a message is within its limit")
        case .ping(let bytes), .pong(let bytes): require(bytes.count <= 125, "a control frame is short")
        case .close(let code, let reason):
            require(code.map { CloseCode.isValidOnWire($0.rawValue) } ?? reason.isEmpty, "a close code is valid, and none has no reason")
            require(reason.count <= 123 && reason.isValidUTF8, "a close reason is short UTF-8")
        }
    }

    /// What was received, sent again in single frames, is received again.
    private static func requireReadsBack(_ received: [Received], _ way: Way) {
        var bytes: [UInt8] = []
        for (index, message) in received.enumerated() {
            let (opcode, payload, rsv1) = frame(message)
            switch way.role {
            case .server: bytes += FrameEncoder.maskedFrame(opcode, payload, maskingKey: 0x9E37_79B9 &* UInt32(index), rsv1: rsv1)
            case .client: FrameEncoder.append(opcode, payload.span, rsv1: rsv1, to: &bytes)
            }
        }
        let again = outcome(bytes, [0..<bytes.count], way)
        requireEqual(again.received, received.map(inOneFrame), "what was received reads back when sent again")
        require(again.violation == nil && !again.isMidMessage, "what was received is sent again without a violation")
    }

    private static func inOneFrame(_ message: Received) -> Received {
        if case .compressed(let opcode, let bytes, _) = message { .compressed(opcode, bytes, frames: 1) } else { message }
    }

    private static func frame(_ message: Received) -> (Opcode, [UInt8], rsv1: Bool) {
        switch message {
        case .text(let bytes): (.text, bytes, false)
        case .binary(let bytes): (.binary, bytes, false)
        case .compressed(let opcode, let bytes, _): (opcode, bytes, true)
        case .ping(let bytes): (.ping, bytes, false)
        case .pong(let bytes): (.pong, bytes, false)
        case .close(nil, _): (.close, [], false)
        case .close(let code?, let reason): (.close, [UInt8(code.rawValue >> 8), UInt8(code.rawValue & 0xFF)] + reason, false)
        }
    }
}

/// What a peer said, checked and whole.
package enum Received: Sendable, Equatable {
    /// Valid UTF-8 (RFC 6455 §8.1).
    case text([UInt8])
    case binary([UInt8])
    /// A text or binary message as permessage-deflate left it, for ``CompressedMessage/open(_:_:frames:with:max:)``, and how many frames it came
    /// in. Only where that was agreed.
    case compressed(Opcode, [UInt8], frames: Int)
    /// To be answered by a Pong with the same bytes (§5.5.2).
    case ping([UInt8])
    case pong([UInt8])
    /// The code is nil when the body was empty (§7.1.5: 1005). The reason is valid UTF-8, of at most 123 bytes.
    case close(CloseCode?, reason: [UInt8])
}

extension Received {
    package enum Kind: Int, Sendable {
        case text
        case binary
        case ping
        case pong
        case close
    }

    package var kind: Kind {
        switch self {
        case .text, .compressed(.text, _, _): .text
        case .binary, .compressed: .binary
        case .ping: .ping
        case .pong: .pong
        case .close: .close
        }
    }

    /// Without headers; of a compressed message, as it was sent.
    package var payloadBytes: Int {
        switch self {
        case .text(let bytes), .binary(let bytes), .compressed(_, let bytes, _), .ping(let bytes), .pong(let bytes): bytes.count
        case .close(let code, let reason): (code == nil ? 0 : 2) + reason.count
        }
    }

    /// Leaves the room of a message that nobody needs any more in `spare`, for ``MessageReader/next(_:at:reusing:)``, unless that has more.
    package consuming func leaveRoom(in spare: inout [UInt8]) {
        switch consume self {
        case .text(var bytes), .binary(var bytes), .compressed(_, var bytes, _):
            guard bytes.capacity > spare.capacity else { return }
            bytes.removeAll(keepingCapacity: true)
            spare = bytes
        case .ping, .pong, .close: break
        }
    }
}

/// What a peer said, checked and whole.
package enum Received: Sendable, Equatable {
    /// Valid UTF-8 (RFC 6455 §8.1).
    case text([UInt8])
    case binary([UInt8])
    /// A text or binary message as permessage-deflate left it, for ``CompressedMessage/open(_:_:with:max:)``. Only where that was agreed.
    case compressed(Opcode, [UInt8])
    /// To be answered by a Pong with the same bytes (§5.5.2).
    case ping([UInt8])
    case pong([UInt8])
    /// The code is nil when the body was empty (§7.1.5: 1005). The reason is valid UTF-8, of at most 123 bytes.
    case close(CloseCode?, reason: [UInt8])
}

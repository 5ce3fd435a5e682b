/// The head of one frame (RFC 6455 §5.2), as the decoder lets it pass: the rules on it hold.
package struct FrameHeader: Sendable, Equatable {
    package let opcode: Opcode
    /// The last frame of its message.
    package let fin: Bool
    /// On the first frame of a message: it is compressed (RFC 7692 §6). On any other frame false.
    package let rsv1: Bool
    /// The key's four bytes in wire order, most significant first; 0 leaves the payload as it is.
    package let maskingKey: UInt32
    package let payloadLength: Int

    package init(opcode: Opcode, fin: Bool, rsv1: Bool = false, maskingKey: UInt32, payloadLength: Int) {
        self.opcode = opcode
        self.fin = fin
        self.rsv1 = rsv1
        self.maskingKey = maskingKey
        self.payloadLength = payloadLength
    }
}

/// From a compressed message to the one that was meant.
///
/// Flow: MessageReader → **CompressedMessage** (Inflater) → Connection
package enum CompressedMessage {
    /// Of a ``Received/compressed(_:_:frames:)``. Text is judged here, as nothing of it could be seen before (RFC 6455 §8.1, RFC 7692 §6.2).
    package static func open(
        _ opcode: Opcode, _ bytes: [UInt8], frames: Int, with inflater: Inflater, max: Int
    ) throws(ProtocolViolation) -> Received {
        precondition(opcode == .text || opcode == .binary, "control frames are not compressed (RFC 7692 §6.1)")
        let message = try inflater.inflate(bytes.span, frames: frames, max: max)
        guard opcode == .text else { return .binary(message) }
        var validator = UTF8Validator()
        guard validator.feed(message.span), validator.isComplete else { throw .invalidUTF8 }
        return .text(message)
    }
}

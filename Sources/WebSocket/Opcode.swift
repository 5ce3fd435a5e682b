/// What a frame carries (RFC 6455 §5.2). The values in between are reserved and have no case: `Opcode(rawValue:)` refuses them.
package enum Opcode: UInt8, Sendable {
    case continuation = 0x0
    case text = 0x1
    case binary = 0x2
    case close = 0x8
    case ping = 0x9
    case pong = 0xA

    /// Control frames may stand between the fragments of a message, and are short and whole themselves (§5.5).
    package var isControl: Bool { rawValue & 0x8 != 0 }
}

import WebSocket

/// What a client says.
enum SampleMessages {
    static let command = SampleEvents.text(32, #"{"action":"ping","ref":"c-1234"}"#)

    /// As a browser sends it: masked.
    static func frame(_ opcode: Opcode, _ payload: [UInt8]) -> [UInt8] {
        FrameEncoder.maskedFrame(opcode, payload, maskingKey: 0x37FA_213D)
    }
}

/// The payload of a Close frame: nothing, or a code and a reason (RFC 6455 §5.5.1).
package enum CloseBody {
    /// Judges what has arrived of a body so far. A body has at most 125 bytes: judging it anew with each piece needs no state.
    package static func check(_ body: Span<UInt8>, isWhole: Bool) throws(ProtocolViolation) {
        guard body.count >= 2 else { return }
        let code = code(body)
        guard CloseCode.isValidOnWire(code) else { throw .invalidCloseCode(code) }
        var reason = UTF8Validator()
        guard reason.feed(body.extracting(2...)), reason.isComplete || !isWhole else { throw .invalidUTF8CloseReason }
    }

    /// Of a body that `check` let pass whole.
    package static func received(_ body: [UInt8]) -> Received {
        guard body.count >= 2 else { return .close(nil, reason: []) }
        return .close(CloseCode(rawValue: code(body.span)), reason: body.count == 2 ? [] : Array(body[2...]))
    }

    private static func code(_ body: Span<UInt8>) -> UInt16 { UInt16(body[0]) << 8 | UInt16(body[1]) }
}

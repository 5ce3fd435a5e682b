import Testing
import WebSocket

@Suite("Close bodies (RFC 6455 §5.5.1, §7.4)")
struct CloseBodyTests {
    private func outcome(_ body: [UInt8], pieces: [Int] = [.max]) -> Outcome {
        Outcome(FrameEncoder.maskedFrame(.close, body, maskingKey: 0x0102_0304), pieces: pieces)
    }

    @Test(arguments: [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535] as [UInt16])
    func `a code that must not be sent is a protocol error`(code: UInt16) {
        let body = [UInt8(code >> 8), UInt8(code & 0xFF)]
        #expect(outcome(body).violation == .invalidCloseCode(code))
        #expect(outcome(body + Array("why".utf8), pieces: [1]).violation == .invalidCloseCode(code))
        #expect(ProtocolViolation.invalidCloseCode(code).closeCode == .protocolError)
    }

    @Test(arguments: [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999] as [UInt16])
    func `a code that may be sent is received`(code: UInt16) {
        let body = [UInt8(code >> 8), UInt8(code & 0xFF)]
        #expect(outcome(body).received == [.close(CloseCode(rawValue: code), reason: [])])
    }

    @Test func `an empty body has no code`() {
        #expect(outcome([]).received == [.close(nil, reason: [])])
    }

    @Test func `a body of one byte is a protocol error`() {
        #expect(outcome([0x03]).violation == .oneByteCloseBody)
        #expect(ProtocolViolation.oneByteCloseBody.closeCode == .protocolError)
    }

    @Test func `a reason of 123 bytes is received`() {
        let reason = [UInt8](repeating: 0x7A, count: 123)
        #expect(outcome([0x03, 0xE8] + reason, pieces: [7]).received == [.close(.normal, reason: reason)])
    }

    @Test(arguments: ["FF", "61 C0", "ED A0 80", "F4 90", "E2 82"])
    func `a reason that is not UTF-8 is an invalid payload`(reason: String) {
        let body = [0x03, 0xE8] + hex(reason)
        #expect(outcome(body).violation == .invalidUTF8CloseReason)
        #expect(outcome(body, pieces: [1]).violation == .invalidUTF8CloseReason)
        #expect(ProtocolViolation.invalidUTF8CloseReason.closeCode == .invalidPayload)
    }

    @Test func `a character of the reason may arrive in pieces`() {
        let body: [UInt8] = [0x03, 0xE8] + Array("a €".utf8)
        #expect(outcome(body, pieces: [1]).received == [.close(.normal, reason: Array("a €".utf8))])
    }

    @Test func `a wrong reason is refused before the frame is whole`() {
        let frame = FrameEncoder.maskedFrame(.close, [0x03, 0xE8, 0xFF, 0x61, 0x61], maskingKey: 0)
        #expect(Outcome(Array(frame.dropLast(2))).violation == .invalidUTF8CloseReason)
    }
}

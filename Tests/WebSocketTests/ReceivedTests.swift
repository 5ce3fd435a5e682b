import Testing
import WebSocket

@Suite("The RFC's examples (RFC 6455 §5.7)")
struct ReceivedTests {
    private let hello = Array("Hello".utf8)

    @Test func `a single-frame unmasked text message`() {
        #expect(Outcome(hex("81 05 48 65 6c 6c 6f"), role: .client).received == [.text(hello)])
    }

    @Test func `a single-frame masked text message`() {
        #expect(Outcome(hex("81 85 37 fa 21 3d 7f 9f 4d 51 58")).received == [.text(hello)])
    }

    @Test func `a fragmented unmasked text message`() {
        #expect(Outcome(hex("01 03 48 65 6c 80 02 6c 6f"), role: .client).received == [.text(hello)])
    }

    @Test func `an unmasked ping and its masked pong`() {
        #expect(Outcome(hex("89 05 48 65 6c 6c 6f"), role: .client).received == [.ping(hello)])
        #expect(Outcome(hex("8a 85 37 fa 21 3d 7f 9f 4d 51 58")).received == [.pong(hello)])
    }

    @Test func `256 bytes of binary in one unmasked frame`() {
        let payload = [UInt8](0...255)
        #expect(Outcome(hex("82 7E 01 00") + payload, role: .client).received == [.binary(payload)])
    }

    @Test func `64 KiB of binary in one unmasked frame`() {
        let payload = [UInt8](repeating: 0x5A, count: 65_536)
        #expect(Outcome(hex("82 7F 00 00 00 00 00 01 00 00") + payload, role: .client).received == [.binary(payload)])
    }
}

import Testing
import WebSocket

@Suite("Opcodes (RFC 6455 §5.2)")
struct OpcodeTests {
    @Test func `opcodes 3 to 7 and 11 to 15 are reserved`() {
        let known: Set<UInt8> = [0, 1, 2, 8, 9, 10]
        for value: UInt8 in 0...255 { #expect((Opcode(rawValue: value) != nil) == known.contains(value)) }
    }

    @Test(arguments: [(Opcode.continuation, false), (.text, false), (.binary, false), (.close, true), (.ping, true), (.pong, true)])
    func `close, ping and pong are control opcodes`(opcode: Opcode, isControl: Bool) {
        #expect(opcode.isControl == isControl)
    }
}

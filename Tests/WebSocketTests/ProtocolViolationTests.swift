import Testing
import WebSocket

@Suite("Protocol violations")
struct ProtocolViolationTests {
    @Test func `names are distinct and fit a metric label`() {
        let names = ProtocolViolation.all.map(\.name)
        #expect(Set(names).count == names.count)
        #expect(names.allSatisfy { $0.utf8.allSatisfy("abcdefghijklmnopqrstuvwxyz0123456789_".utf8.contains) })
    }

    @Test(arguments: ProtocolViolation.all)
    func `a violation has a section, a close code that may be sent, and a message that fits a close reason`(violation: ProtocolViolation) {
        #expect(violation.section.hasPrefix("§"))
        #expect(CloseCode.isValidOnWire(violation.closeCode.rawValue))
        #expect((1...123).contains(violation.message.utf8.count))
    }

    @Test func `a rule is in the RFC that makes it`() {
        #expect(ProtocolViolation.invalidDeflate.rfc == "RFC 7692")
        #expect(ProtocolViolation.invalidDeflate.closeCode == .invalidPayload)
        #expect(ProtocolViolation.all.filter { $0.rfc != "RFC 6455" } == [.invalidDeflate])
    }

    @Test func `the peer's numbers stay out of the name`() {
        #expect(ProtocolViolation.reservedOpcode(3).name == ProtocolViolation.reservedOpcode(15).name)
        #expect(ProtocolViolation.invalidCloseCode(0).name == ProtocolViolation.invalidCloseCode(5000).name)
    }
}

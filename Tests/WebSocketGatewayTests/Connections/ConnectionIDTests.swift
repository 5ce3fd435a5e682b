import Testing

@testable import WebSocketGateway

@Suite("Connection ids")
struct ConnectionIDTests {
    private func make(_ worker: Int, _ slot: UInt32) -> ConnectionID {
        var random = SystemRandomNumberGenerator()
        return ConnectionID(worker: worker, slot: slot, using: &random)
    }

    @Test(arguments: [(0, 0), (1, 1), (63, 0xff_ffff), (255, 12345)] as [(Int, UInt32)])
    func `an id knows its place, and its text does too`(worker: Int, slot: UInt32) throws {
        let id = make(worker, slot)
        #expect(id.worker == worker)
        #expect(id.slot == slot)
        let parsed = try #require(ConnectionID(id.description))
        #expect(parsed == id)
        #expect(parsed.worker == worker && parsed.slot == slot)
        #expect(ConnectionID(id.description.uppercased()) == id)
        #expect(ConnectionID(Substring(id.description)) == id)
    }

    @Test func `an id is a version 4 UUID of the RFC's variant`() {
        for slot in 0..<1000 as Range<UInt32> {
            let text = Array(make(Int(slot % 64), slot).description)
            #expect(text.count == 36)
            #expect([8, 13, 18, 23].allSatisfy { text[$0] == "-" })
            #expect(text[14] == "4")
            #expect("89ab".contains(text[19]))
            #expect(text.allSatisfy { "0123456789abcdef-".contains($0) })
        }
    }

    @Test func `the same place gets another id each time`() {
        #expect(Set((0..<100_000).map { _ in make(3, 7) }).count == 100_000)
    }

    @Test(arguments: [
        "", "0", "00000000-0000-4000-8000-00000000000", "00000000-0000-4000-8000-0000000000000", "00000000 0000-4000-8000-000000000000",
        "000000000-000-4000-8000-000000000000", "00000000-0000-4000-8000-00000000000g", "{0000000-0000-4000-8000-000000000000",
        "00000000000040008000000000000000",
        "00000000-0000-4000-8000-0000000000é", "00000000-0000-4000-80000-00000000000", "00000000-0000-4000-8000-00000000000\n",
        "０0000000-0000-4000-8000-000000000",
    ])
    func `other texts are no ids`(text: String) {
        #expect(ConnectionID(text) == nil)
    }

    @Test func `any UUID can be asked for`() throws {
        let id = try #require(ConnectionID("ffffffff-ffff-ffff-ffff-ffffffffffff"))
        #expect(id.description == "ffffffff-ffff-ffff-ffff-ffffffffffff")
        #expect((0...255).contains(id.worker))
        #expect(id.slot <= 0xff_ffff)
    }
}

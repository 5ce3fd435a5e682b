import Testing

@testable import WebSocketGateway

@Suite("Optional numbers of one word")
struct OneWordTests {
    private struct Holder { @OneWord var number: UInt64? }

    @Test(arguments: [nil, 0, 1, .max - 1] as [UInt64?])
    func `a number, or none, is read as it was written`(_ number: UInt64?) {
        var holder = Holder(number: number)
        #expect(holder.number == number)
        for other in [7, nil] as [UInt64?] {
            holder.number = other
            #expect(holder.number == other)
        }
    }

    @Test func `the greatest number is none, and no room is taken for it`() {
        #expect(Holder(number: .max).number == nil)
        #expect(MemoryLayout<Holder>.size == 8)
    }
}

import Testing

@testable import websocket_gateway

@Suite struct DeliveryLedgerTests {
    private func receive(_ sequences: [UInt64], next: UInt64 = 1) -> (ledger: DeliveryLedger, verdicts: [DeliveryLedger.Verdict]) {
        var ledger = DeliveryLedger(next: next)
        let verdicts = sequences.map { ledger.receive($0) }
        return (ledger, verdicts)
    }

    @Test func `each once and in order is all right`() {
        let (ledger, verdicts) = receive([8, 9, 10], next: 8)
        #expect(verdicts.allSatisfy { $0 == .inOrder })
        #expect(ledger.next == 11)
        #expect(ledger.received == 3)
        #expect(ledger.missing + ledger.duplicated + ledger.outOfOrder == 0)
    }

    @Test func `a hole is missing`() {
        let (ledger, verdicts) = receive([1, 4])
        #expect(verdicts == [.inOrder, .gap(2)])
        #expect(ledger.missing == 2)
    }

    @Test func `what comes late was out of order and is missing no more`() {
        let (ledger, verdicts) = receive([1, 5, 3, 2, 4, 6])
        #expect(verdicts == [.inOrder, .gap(3), .late, .late, .late, .inOrder])
        #expect(ledger.missing == 0)
        #expect(ledger.outOfOrder == 3)
        #expect(ledger.duplicated == 0)
    }

    @Test func `what comes twice is a duplicate, also when it was late`() {
        let (ledger, verdicts) = receive([1, 1, 3, 2, 2])
        #expect(verdicts == [.inOrder, .duplicate, .gap(1), .late, .duplicate])
        #expect(ledger.duplicated == 2)
    }

    @Test func `an id before the first is a duplicate of something that was not ours`() {
        #expect(receive([3], next: 8).verdicts == [.duplicate])
    }

    @Test func `memory for holes is bounded`() {
        let (ledger, _) = receive((1...1000).map { $0 * 2 })
        #expect(ledger.missing == 1000)
    }

    @Test func `what is announced as left out is no loss, where it would have come`() {
        var ledger = DeliveryLedger(next: 5)
        let (elsewhere, empty, overflow) = (ledger.leaveOut(6, 7), ledger.leaveOut(5, 4), ledger.leaveOut(5, .max))
        #expect(!elsewhere && !empty && !overflow && ledger == DeliveryLedger(next: 5))
        let isInPlace = ledger.leaveOut(5, 7)
        #expect(isInPlace)
        #expect(ledger.receive(8) == .inOrder)
        #expect(ledger.conflated == 3 && ledger.received == 1 && ledger.missing == 0)
    }
}

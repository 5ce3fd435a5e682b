import Sessions
import Testing

@testable import WebSocketGateway

@Suite("What homes have for the store")
struct HomeStoringTests {
    @Test(arguments: [(Durability.memory, false), (.relaxed, true), (.commit, true)])
    func `the durability says whether events are stored`(_ row: (Durability, Bool)) {
        #expect(HomeStoring(row.0).isStoring == row.1)
    }

    @Test func `tickets are answered in their order, once`() {
        var storing = HomeStoring(.commit)
        storing.waiting = [.call { _ in }]
        let first = storing.takeTicket(worker: 3)
        storing.waiting = [.call { _ in }, .call { _ in }]
        let second = storing.takeTicket(worker: 3)
        #expect((first.number, second.number, first.worker) == (1, 2, 3))
        #expect(storing.takeAnswered(second.number, attempt: 0)?.number == nil)
        #expect(storing.takeAnswered(first.number, attempt: 0)?.waiting.count == 1)
        #expect(storing.takeAnswered(first.number, attempt: 0)?.number == nil)
        #expect(storing.takeAnswered(second.number, attempt: 0)?.waiting.count == 2)
        #expect(!storing.isWaiting)
    }

    @Test func `a ticket that fails takes all behind it, and later answers to them are not heard`() {
        var storing = HomeStoring(.commit)
        storing.waiting = [.call { _ in }]
        storing.bytes = 5
        let first = storing.takeTicket(worker: 0)
        storing.waiting = [.call { _ in }]
        let second = storing.takeTicket(worker: 0)
        storing.waiting = [.call { _ in }]
        #expect(storing.takeFailed().count == 3)
        #expect(!storing.isWaiting)
        #expect(storing.postedBytes == 0)
        #expect(storing.takeAnswered(second.number, attempt: second.attempt)?.number == nil)
        storing.waiting = [.call { _ in }]
        let third = storing.takeTicket(worker: 0)
        #expect(third.attempt == first.attempt + 1)
        #expect(storing.takeAnswered(third.number, attempt: third.attempt)?.waiting.count == 1)
    }

    @Test func `an abandoned store is given nothing more`() {
        var storing = HomeStoring(.relaxed)
        storing.abandon()
        #expect(!storing.isStoring)
    }
}

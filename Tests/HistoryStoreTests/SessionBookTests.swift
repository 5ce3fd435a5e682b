import Sessions
import Testing

@testable import HistoryStore

@Suite("The book of sessions")
struct SessionBookTests {
    @Test func `what a transaction changed is undone with it`() {
        var book = SessionBook()
        let number = book.takeNumber()
        #expect(number == 1)
        book.set(SessionRecord(number: 1, newest: 5), for: first)
        book.commit()

        book.set(nil, for: first)
        book.drop(DroppedSession(number: 1, oldest: 1, newest: 5))
        #expect(book.takeNumber() == 2)
        book.set(SessionRecord(number: 2), for: first)
        book.set(SessionRecord(number: 3), for: second)
        book.rollBack()
        #expect(book[first]?.newest == 5)
        #expect(book[second] == nil)
        #expect(book.dropped.isEmpty)
    }

    @Test func `numbers are taken in turn, and none twice`() {
        var book = SessionBook(
            records: [first: SessionRecord(number: 2)], dropped: [DroppedSession(number: 3, oldest: 1, newest: 1)], numberMax: 4)
        #expect(book.takeNumber() == 4)
        #expect(book.takeNumber() == 1)
        #expect(book.takeNumber() == nil)
        book.commit()
        book.setLastDropped(oldest: nil)
        #expect(book.takeNumber() == nil)
        book.rollBack()
        #expect(book.takeNumber() == nil)
        book.setLastDropped(oldest: nil)
        book.commit()
        #expect(book.takeNumber() == 3)
    }
}

import EventLoop
import Glibc
import Synchronization
import Testing

@Suite("Mailboxes")
struct MailboxTests {
    private struct Letter: Sendable, Equatable {
        let sender: Int
        let number: Int
    }

    @Test func `mail posted before opening comes first`() throws {
        let loop = try EventLoop()
        let mailbox = Mailbox<Int>()
        for number in 0..<100 { mailbox.post(number) }
        var received: [Int] = []
        try mailbox.open(on: loop) { received += $0 }
        for number in 100..<200 { mailbox.post(number) }
        let arrived = loop.turn { received.count == 200 }
        #expect(arrived)
        #expect(received == Array(0..<200))
        #expect(mailbox.close().isEmpty)
        let ended = loop.turnToEnd()
        #expect(ended)
    }

    @Test func `one that was closed unopened opens no more`() throws {
        let loop = try EventLoop()
        let mailbox = Mailbox<Int>()
        mailbox.post(1)
        #expect(mailbox.closeUnopened() == [1])
        let refused = #expect(throws: SystemError.self) { try mailbox.open(on: loop) { _ in } }
        #expect(refused?.errno == ECANCELED)
        let ended = loop.turnToEnd()
        #expect(ended)
    }

    @Test func `a hundred thousand letters of four threads all arrive, in each sender's order`() throws {
        let (senders, letters) = (4, 25_000)
        let loop = try EventLoop()
        let mailbox = Mailbox<Letter>()
        var next = [Int](repeating: 0, count: senders)
        var outOfOrder = 0
        try mailbox.open(on: loop) { batch in
            for letter in batch {
                if letter.number != next[letter.sender] { outOfOrder += 1 }
                next[letter.sender] = letter.number + 1
            }
        }
        let refused = Atomic<Int>(0)
        try withThreads(senders) { sender in
            for number in 0..<letters where !mailbox.post(Letter(sender: sender, number: number)) { refused.add(1, ordering: .relaxed) }
        } meanwhile: {
            let arrived = loop.turn { next.allSatisfy { $0 == letters } }
            #expect(arrived, "received \(next)")
        }
        #expect(outOfOrder == 0)
        #expect(refused.load(ordering: .relaxed) == 0)
        #expect(mailbox.close().isEmpty)
        let ended = loop.turnToEnd()
        #expect(ended)
    }

    @Test func `a closed mailbox refuses mail`() throws {
        let loop = try EventLoop()
        let mailbox = Mailbox<Int>()
        try mailbox.open(on: loop) { _ in }
        _ = mailbox.close()
        #expect(!mailbox.post(1))
        let ended = loop.turnToEnd()
        #expect(ended)
        #expect(!mailbox.post(2), "and does when its handle is gone")
    }

    @Test func `closing returns what nobody has received`() throws {
        let loop = try EventLoop()
        let mailbox = Mailbox<Int>()
        var received: [Int] = []
        try mailbox.open(on: loop) { received += $0 }
        for number in 0..<3 { mailbox.post(number) }
        #expect(mailbox.close() == [0, 1, 2])
        let ended = loop.turnToEnd()
        #expect(ended)
        #expect(received.isEmpty)
    }

    @Test func `a mailbox may be closed by its own receiver`() throws {
        let loop = try EventLoop()
        let mailbox = Mailbox<Int>()
        var received: [Int] = []
        var rest: [Int] = []
        try mailbox.open(on: loop) { batch in
            received += batch
            mailbox.post(9)
            rest = mailbox.close()
        }
        mailbox.post(1)
        let ended = loop.turnToEnd()
        #expect(ended)
        #expect(received == [1])
        #expect(rest == [9])
    }

    @Test func `while a mailbox closes, every letter is received, returned or refused`() throws {
        let senders = 4
        let loop = try EventLoop()
        let mailbox = Mailbox<Letter>()
        var received = 0
        try mailbox.open(on: loop) { received += $0.count }
        let accepted = Atomic<Int>(0)
        var rest = 0
        try withThreads(senders) { sender in
            var number = 0
            while mailbox.post(Letter(sender: sender, number: number)) {
                number += 1
                accepted.add(1, ordering: .relaxed)
            }
        } meanwhile: {
            let busy = loop.turn { received > 5000 }
            #expect(busy)
            rest = mailbox.close().count
        }
        let ended = loop.turnToEnd()
        #expect(ended)
        #expect(received + rest == accepted.load(ordering: .relaxed))
    }

    @Test func `a mailbox that no loop ever opened is let go of`() {
        weak var seen: Mailbox<Int>?
        do {
            let mailbox = Mailbox<Int>()
            seen = mailbox
            mailbox.post(1)
        }
        #expect(seen == nil)
    }

    private func withThreads(_ count: Int, _ body: @escaping @Sendable (Int) -> Void, meanwhile: () -> Void) throws {
        let threads = try (0..<count).map { index in try LoopThread { body(index) } }
        meanwhile()
        for thread in threads { thread.join() }
    }
}

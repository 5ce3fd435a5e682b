import Sessions
import Testing

@Suite("The outbox of one connection")
struct OutboxTests {
    private func gathered(_ outbox: Outbox, max: Int = 1 << 40) -> [UInt8] {
        var buffer: [UInt8] = []
        outbox.gather(into: &buffer, max: max)
        return buffer
    }

    @Test func `messages leave in the order they came`() {
        var outbox = Outbox()
        #expect(outbox.isEmpty)
        outbox.append([1, 2])
        outbox.append([3])
        outbox.append([4, 5, 6])
        #expect(outbox.bytes == 6)
        #expect(outbox.messages == 3)
        #expect(gathered(outbox) == [1, 2, 3, 4, 5, 6])
    }

    @Test func `what the kernel has already of the first message does not wait`() {
        var outbox = Outbox()
        outbox.append([1, 2, 3], sent: 1)
        outbox.append([4])
        #expect(outbox.bytes == 3)
        #expect(gathered(outbox) == [2, 3, 4])
        let finished = outbox.consume(2)
        #expect(finished == 1)
        #expect(gathered(outbox) == [4])
    }

    @Test func `a message without bytes to send is none`() {
        var outbox = Outbox()
        outbox.append([])
        outbox.append([1, 2], sent: 2)
        #expect(outbox.isEmpty)
        #expect(outbox.messages == 0)
    }

    @Test func `a control frame without bytes to send is none`() {
        var outbox = Outbox()
        outbox.insertClose([])
        let more = outbox.insertPong([])
        #expect(more == 0)
        #expect(outbox.isEmpty)
        #expect(outbox.messages == 0)
    }

    @Test(arguments: 0...9)
    func `a send may stop at any byte`(stop: Int) {
        var outbox = Outbox()
        for message: [UInt8] in [[1, 2, 3], [4], [5, 6, 7, 8], [9]] { outbox.append(message) }
        let finished = outbox.consume(stop)
        #expect(finished == [0, 0, 0, 1, 2, 2, 2, 2, 3, 4][stop])
        #expect(outbox.bytes == 9 - stop)
        #expect(outbox.messages == 4 - finished)
        #expect(gathered(outbox) == Array((1...9).dropFirst(stop)))
    }

    @Test func `gathering takes as much as asked for, behind what is there`() {
        var outbox = Outbox()
        outbox.append([1, 2, 3])
        outbox.append([4, 5])
        for max in 0...6 { #expect(gathered(outbox, max: max) == Array((1...5).prefix(max))) }
        var buffer: [UInt8] = [0]
        outbox.gather(into: &buffer, max: 2)
        #expect(buffer == [0, 1, 2])
        #expect(outbox.bytes == 5, "gathering takes nothing out")
    }

    @Test func `a control frame goes before messages not begun, behind a begun one and earlier control frames`() {
        var outbox = Outbox()
        outbox.append([1, 1, 1], sent: 1)
        outbox.append([2])
        _ = outbox.insertPong([8])
        outbox.insertClose([9])
        outbox.append([3])
        #expect(gathered(outbox) == [1, 1, 8, 9, 2, 3])
        outbox.consume(3)
        _ = outbox.insertPong([10])
        #expect(gathered(outbox) == [9, 10, 2, 3])
        outbox.consume(2)
        _ = outbox.insertPong([11])
        #expect(gathered(outbox) == [11, 2, 3])
    }

    @Test func `a begun control frame is not cut in two`() {
        var outbox = Outbox()
        outbox.append([1])
        _ = outbox.insertPong([8, 8, 8])
        outbox.consume(1)
        outbox.insertClose([9])
        #expect(gathered(outbox) == [8, 8, 9, 1])
    }

    @Test func `a pong takes the place of one that has not begun, and of no other`() {
        var outbox = Outbox()
        outbox.append([1, 1], sent: 1)
        outbox.append([2])
        let more = (outbox.insertPong([8, 8, 8]), outbox.insertPong([9]), outbox.insertPong([7, 7]))
        #expect(more == (3, -2, 1))
        #expect(gathered(outbox) == [1, 7, 7, 2])
        #expect(outbox.messages == 3)
        outbox.consume(2)
        _ = outbox.insertPong([6])
        #expect(gathered(outbox) == [7, 6, 2], "half of the sevens is with the kernel")
    }

    @Test func `a million pongs wait as one`() {
        var outbox = Outbox()
        outbox.append([1, 1], sent: 1)
        for _ in 0..<1_000_000 { _ = outbox.insertPong([0x8A, 0]) }
        #expect(outbox.messages == 2)
        #expect(outbox.bytes == 3)
    }

    @Test func `dropping keeps what has begun and control frames`() {
        var outbox = Outbox()
        outbox.append([1, 1], sent: 1)
        outbox.append([2, 2, 2])
        outbox.insertClose([9])
        outbox.append([3])
        let dropped = outbox.dropMessagesNotBegun()
        #expect(dropped == 2)
        #expect(gathered(outbox) == [1, 9])
        #expect(outbox.bytes == 2)
        #expect(outbox.messages == 2)
        let again = outbox.dropMessagesNotBegun()
        #expect(again == 0)
    }

    @Test func `dropping everything leaves nothing`() {
        var outbox = Outbox()
        outbox.append([1])
        outbox.append([2])
        let dropped = outbox.dropMessagesNotBegun()
        #expect(dropped == 2)
        #expect(outbox.isEmpty)
        #expect(outbox.messages == 0)
        outbox.append([3], sent: 0)
        #expect(gathered(outbox) == [3])
    }

    @Test(arguments: 0..<40 as Range<UInt64>)
    func `any order of calls does what the model does`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var outbox = Outbox()
        var model = Model()
        var next: UInt8 = 0
        for step in 0..<600 {
            next = next &+ 1
            let message = [UInt8](repeating: next, count: Int.random(in: 1...9, using: &generator))
            switch Int.random(in: 0..<10, using: &generator) {
            case 0..<4:
                let sent = model.entries.isEmpty ? Int.random(in: 0..<message.count, using: &generator) : 0
                outbox.append(message, sent: sent)
                model.entries.append((message, sent, .message))
            case 4:
                let (more, expected) = (outbox.insertPong(message), model.insert(message, .pong))
                #expect(more == expected, "seed \(seed)")
            case 5 where step % 50 == 1:
                outbox.insertClose(message)
                _ = model.insert(message, .close)
            case 5 where step % 20 == 0:
                let (dropped, expected) = (outbox.dropMessagesNotBegun(), model.drop())
                #expect(dropped == expected, "seed \(seed)")
            default:
                let count = Int.random(in: 0...model.bytes.count, using: &generator)
                let taken = Swift.min(count, Int.random(in: 0...20, using: &generator))
                let (finished, expected) = (outbox.consume(taken), model.consume(taken))
                #expect(finished == expected, "seed \(seed)")
            }
            let max = Int.random(in: 0...60, using: &generator)
            guard gathered(outbox) == model.bytes, gathered(outbox, max: max) == Array(model.bytes.prefix(max)),
                outbox.bytes == model.bytes.count,
                outbox.messages == model.entries.count, outbox.isEmpty == model.entries.isEmpty
            else {
                Issue.record("seed \(seed), step \(step): \(gathered(outbox)) is not \(model.bytes)")
                return
            }
        }
    }

    /// The same in the plainest way there is.
    private struct Model {
        enum Kind { case message, pong, close }

        var entries: [(bytes: [UInt8], sent: Int, kind: Kind)] = []
        var bytes: [UInt8] { entries.flatMap { $0.bytes.dropFirst($0.sent) } }

        mutating func insert(_ frame: [UInt8], _ kind: Kind) -> Int {
            if kind == .pong, let waiting = entries.firstIndex(where: { $0.kind == .pong && $0.sent == 0 }) {
                defer { entries[waiting].bytes = frame }
                return frame.count - entries[waiting].bytes.count
            }
            let begun = entries.first.map { $0.sent > 0 } == true ? 1 : 0
            let controls = entries.dropFirst(begun).prefix { $0.kind != .message }.count
            entries.insert((frame, 0, kind), at: begun + controls)
            return frame.count
        }

        mutating func drop() -> Int {
            let before = entries.count
            entries = entries.enumerated().filter { $0.offset == 0 && $0.element.sent > 0 || $0.element.kind != .message }.map(\.element)
            return before - entries.count
        }

        mutating func consume(_ count: Int) -> Int {
            var finished = 0
            for _ in 0..<count {
                entries[0].sent += 1
                if entries[0].sent == entries[0].bytes.count {
                    entries.removeFirst()
                    finished += 1
                }
            }
            return finished
        }
    }

    // MARK: Memory

    /// Whether nobody else holds the array's bytes: writing to it then copies nothing.
    private func isAlone(_ bytes: inout [UInt8]) -> Bool {
        let before = unsafe bytes.withUnsafeBufferPointer { UInt(bitPattern: $0.baseAddress) }
        bytes[0] &+= 1
        return unsafe bytes.withUnsafeBufferPointer { UInt(bitPattern: $0.baseAddress) } == before
    }

    @Test func `messages are held by reference while they wait`() {
        var message = [UInt8](repeating: 1, count: 1000)
        var outbox = Outbox()
        outbox.append(message)
        #expect(!isAlone(&message))
        #expect(outbox.bytes == 1000)
    }

    @Test func `a drained outbox holds nothing`() {
        var messages = (0..<100).map { [UInt8](repeating: $0, count: 1000) }
        var outbox = Outbox()
        for message in messages { outbox.append(message) }
        let finished = outbox.consume(100_000)
        #expect(finished == 100)
        for i in messages.indices { #expect(isAlone(&messages[i])) }
        #expect(outbox.isEmpty)
    }

    @Test func `a message that the kernel has is let go of, though others wait`() {
        // Otherwise a slow client pins messages that no limit counts.
        var messages = (0..<50).map { [UInt8](repeating: $0, count: 1000) }
        var outbox = Outbox()
        for message in messages { outbox.append(message) }
        outbox.consume(49_000)
        #expect(outbox.bytes == 1000)
        let held = messages.indices.filter { !isAlone(&messages[$0]) }
        #expect(held == [49], "messages \(held) are held")
    }
}

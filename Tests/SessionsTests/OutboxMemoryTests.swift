import Testing

@testable import Sessions

@Suite("What outboxes cost, and give back")
struct OutboxMemoryTests {
    private static let epoch = try! Epoch(parsing: "0123456789abc")

    private static let key: ConflationKey = {
        let body = Array(#"{"type":"price_update","data":{},"key":"k"}"#.utf8)
        let event = try! EventParser.parse(body.span, format: .json).events[0]
        return DeliveryPolicies().key(of: event, in: body.span)!
    }()

    private func id(_ sequence: UInt64) -> EventID { EventID(epoch: Self.epoch, sequence: sequence) }

    private func append(_ sequences: ClosedRange<UInt64>, to outbox: inout Outbox, bytes: Int = 100) {
        for sequence in sequences {
            _ = outbox.append([UInt8](repeating: UInt8(truncatingIfNeeded: sequence), count: bytes), id: id(sequence), key: nil, now: 0)
        }
    }

    private func takeBack(_ outbox: inout Outbox) -> (after: UInt64, events: Int)? { outbox.takeBackEvents() }

    private func latest(_ sequence: UInt64, in outbox: inout Outbox) -> UInt64? {
        outbox.append([1, 2], id: id(sequence), key: Self.key, now: 0)
    }

    // MARK: What they cost

    @Test func `an empty outbox costs nothing`() {
        var memory = OutboxMemory()
        let cost = memory.add(Outbox(), keptFrom: nil)
        #expect(cost == 0 && memory.bytes == 0)
    }

    @Test func `what a history keeps costs its entry, and all else its bytes, once`() {
        let shared = [UInt8](repeating: 7, count: 1000)
        var (one, other) = (Outbox(), Outbox())
        for sequence in 1...4 as ClosedRange<UInt64> {
            _ = one.append(shared, id: id(sequence), key: nil, now: 0)
            _ = other.append(shared, id: id(sequence), key: nil, now: 0)
        }
        let entries = one.entries.capacity * MemoryLayout<Outbox.Entry>.stride
        // Alone, and all together.
        for (outboxes, keptFrom, alone, together) in [
            ([one], 1, entries, entries), ([one], 3, entries + 2 * 1032, entries + 1032),
            ([one, other], 3, entries + 2 * 1032, 2 * entries + 1032),
            ([one], nil, entries + 4 * 1032, entries + 1032),
        ] as [([Outbox], UInt64?, Int, Int)] {
            var memory = OutboxMemory()
            for outbox in outboxes {
                let cost = memory.add(outbox, keptFrom: keptFrom)
                #expect(cost == alone)
            }
            #expect(memory.bytes == together)
        }
    }

    @Test func `messages of our own are nobody else's, and kept by nobody`() {
        let message = [UInt8](repeating: 7, count: 1000)
        var outbox = Outbox()
        outbox.append(message)
        outbox.append(message)
        var memory = OutboxMemory()
        let cost = memory.add(outbox, keptFrom: 0)
        #expect(cost == outbox.entries.capacity * MemoryLayout<Outbox.Entry>.stride + 2 * 1032)
        #expect(memory.bytes == cost)
    }

    // MARK: What they give back

    @Test func `events that have not begun are taken back from the end`() throws {
        var outbox = Outbox()
        append(5...9, to: &outbox)
        outbox.consume(150)
        let taken = try #require(takeBack(&outbox))
        #expect(taken.after == 6 && taken.events == 3)
        #expect(outbox.bytes == 50 && outbox.messages == 1)
        #expect(takeBack(&outbox) == nil)
        outbox.consume(50)
        #expect(outbox.isEmpty && outbox.entries.isEmpty)
    }

    @Test func `a queue that is taken back whole is empty, and gives its room back`() throws {
        var outbox = Outbox()
        append(1...500, to: &outbox)
        let taken = try #require(takeBack(&outbox))
        #expect(taken.after == 0 && taken.events == 500)
        #expect(outbox.isEmpty && outbox.messages == 0 && outbox.entries.capacity == 0)
        append(1...3, to: &outbox)
        #expect(outbox.messages == 3)
    }

    @Test func `what we said ourselves stays, and what stands before it`() throws {
        var outbox = Outbox()
        append(1...3, to: &outbox)
        outbox.append([9, 9])
        append(4...200, to: &outbox)
        let taken = try #require(takeBack(&outbox))
        #expect(taken.after == 3 && taken.events == 197)
        #expect(outbox.bytes == 302 && outbox.messages == 4)
        #expect(outbox.entries.capacity < 20)
        #expect(takeBack(&outbox) == nil)
    }

    @Test func `what was to be kept stays, wherever it has moved to`() throws {
        var outbox = Outbox()
        append(1...100, to: &outbox)
        outbox.keepWhatWaits()
        _ = outbox.insertPong([1])
        append(101...110, to: &outbox)
        outbox.consume(90 * 100 + 1)
        let taken = try #require(takeBack(&outbox))
        #expect(taken.after == 100 && taken.events == 10)
        #expect(outbox.messages == 10)
        outbox.consume(1000)
        append(111...112, to: &outbox)
        #expect(takeBack(&outbox)?.after == 110, "an outbox that was empty begins anew")
    }

    @Test func `what policy left out among them comes again as well, and its key begins anew`() throws {
        var outbox = Outbox()
        append(1...1, to: &outbox)
        for sequence in 2...4 as ClosedRange<UInt64> { _ = latest(sequence, in: &outbox) }
        #expect(outbox.hasOmissions)
        let taken = try #require(takeBack(&outbox))
        #expect(taken.after == 0 && taken.events == 2, "what was left out was not counted")
        #expect(!outbox.hasOmissions && outbox.isEmpty && outbox.absent == 0)
        #expect(latest(9, in: &outbox) == nil)
        #expect(latest(10, in: &outbox) == 9)
    }

    @Test func `an announcement stays`() throws {
        var outbox = Outbox()
        for sequence in 1...2 as ClosedRange<UInt64> { _ = latest(sequence, in: &outbox) }
        outbox.announce(within: 10) { _ in [5, 5, 5] }
        let taken = try #require(takeBack(&outbox))
        #expect(taken.after == 1 && taken.events == 1)
        #expect(outbox.bytes == 3 && outbox.messages == 1)
    }

    /// Whatever was done before, what is left is a sound queue without holes: its bytes are gathered and consumed to the last.
    @Test(arguments: 0..<200) func `nothing is left that could not be sent`(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var (outbox, sequence, now) = (Outbox(), UInt64(0), UInt64(0))
        for _ in 0..<300 {
            switch Int.random(in: 0..<12, using: &generator) {
            case 0..<6:
                sequence += 1
                let key = Bool.random(using: &generator) ? Self.key : nil
                _ = outbox.append(
                    [UInt8](repeating: 1, count: Int.random(in: 1...30, using: &generator)), id: id(sequence), key: key, now: now)
            case 6: outbox.append([2, 2])
            case 7: _ = outbox.insertPong([3])
            case 8:
                let count = Int.random(in: 0...outbox.bytes, using: &generator)
                outbox.announce(within: count) { _ in [4] }
                outbox.consume(count)
            case 9: now += 300
            case 10: outbox.keepWhatWaits()
            default:
                let (messages, bytes) = (outbox.messages, outbox.bytes)
                if let taken = outbox.takeBackEvents() {
                    #expect(taken.after < sequence && outbox.messages == messages - taken.events && outbox.bytes <= bytes)
                    sequence = taken.after
                }
            }
            #expect(outbox.bytes == outbox.entries[outbox.first...].reduce(0) { $0 + $1.bytes.count - $1.sent })
            #expect(!outbox.isEmpty || outbox.entries.isEmpty && !outbox.hasOmissions)
            var memory = OutboxMemory()
            _ = memory.add(outbox, keptFrom: nil)
        }
        while !outbox.isEmpty {
            outbox.announce(within: 1 << 20) { _ in [4] }
            var gathered: [UInt8] = []
            outbox.gather(into: &gathered, max: 1 << 20)
            #expect(gathered.count == outbox.bytes)
            outbox.consume(gathered.count)
        }
        #expect(outbox.messages == 0 && !outbox.hasOmissions)
    }
}

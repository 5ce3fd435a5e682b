import Testing

@testable import Sessions

@Suite("What an outbox leaves out")
struct OutboxConflationTests {
    private static let epoch = try! Epoch(parsing: "0123456789abc")

    static func key(_ name: String) -> ConflationKey {
        let body = Array(#"{"type":"tick","data":{},"key":"\#(name)"}"#.utf8)
        let event = try! EventParser.parse(body.span, format: .json).events[0]
        return DeliveryPolicies([EventType(rawValue: "tick")!: .latest]).key(of: event, in: body.span)!
    }

    private func id(_ sequence: UInt64) -> EventID { EventID(epoch: Self.epoch, sequence: sequence) }

    /// An announcement that a test can read: 255, and the ranges.
    private static func announcement(_ omission: Omission) -> [UInt8] {
        [255] + omission.ranges.flatMap { [UInt8(truncatingIfNeeded: $0.lowerBound), UInt8(truncatingIfNeeded: $0.upperBound)] }
    }

    private func sent(_ outbox: inout Outbox, max: Int = 1 << 40) -> [UInt8] {
        outbox.announce(within: max, Self.announcement)
        var bytes: [UInt8] = []
        outbox.gather(into: &bytes, max: max)
        outbox.consume(bytes.count)
        return bytes
    }

    @discardableResult
    private func append(_ outbox: inout Outbox, _ sequence: UInt64, _ key: String?, now: UInt64 = 0) -> UInt64? {
        outbox.append([UInt8(sequence)], id: id(sequence), key: key.map(Self.key), now: now)
    }

    @Test func `a newer event keeps its own place, and the older one's is announced where it was`() {
        var outbox = Outbox()
        #expect(append(&outbox, 1, nil) == nil)
        #expect(append(&outbox, 2, "a") == nil)
        #expect(append(&outbox, 3, nil) == nil)
        #expect(append(&outbox, 4, "b") == nil)
        #expect(append(&outbox, 5, "a") == 2)
        #expect(outbox.messages == 4 && outbox.bytes == 4 && outbox.hasOmissions)
        #expect(sent(&outbox) == [1, 255, 2, 2, 3, 4, 5])
        #expect(outbox.isEmpty && outbox.messages == 0 && !outbox.hasOmissions)
    }

    @Test func `of a busy key one waits, and one range`() {
        var outbox = Outbox()
        append(&outbox, 1, nil)
        for sequence in 2...200 as ClosedRange<UInt64> { append(&outbox, sequence, "a") }
        #expect(outbox.messages == 2 && outbox.entries.count == 3)
        #expect(sent(&outbox) == [1, 255, 2, 199, 200])
    }

    @Test func `what has begun is sent to its end`() {
        var outbox = Outbox()
        _ = outbox.append([1, 1, 1], sent: 1, id: id(1), key: Self.key("a"), now: 0)
        #expect(append(&outbox, 2, "a") == nil)
        outbox.consume(2)
        _ = outbox.append([3, 3], id: id(3), key: Self.key("b"), now: 0)
        outbox.consume(2)
        #expect(append(&outbox, 4, "b") == nil)
        #expect(sent(&outbox) == [3, 4])
        #expect(append(&outbox, 5, "b") == nil, "what was sent is not left out")
        #expect(sent(&outbox) == [5])
    }

    @Test func `a key that was left out for a second waits, and the next newer one begins anew`() {
        var outbox = Outbox()
        append(&outbox, 1, nil)
        append(&outbox, 2, "a", now: 100)
        #expect(append(&outbox, 3, "a", now: 600) == 2)
        #expect(append(&outbox, 4, "a", now: 1099) == 3)
        #expect(append(&outbox, 5, "a", now: 1100) == nil, "the key has waited since 100")
        #expect(append(&outbox, 6, "a", now: 2099) == 5)
        #expect(append(&outbox, 7, "a", now: 2100) == nil)
        #expect(sent(&outbox) == [1, 255, 2, 3, 4, 255, 5, 5, 6, 7])
    }

    @Test func `what is pinned stays`() {
        var outbox = Outbox()
        append(&outbox, 1, "a")
        outbox.append([100])
        outbox.pinWhatWaits()
        #expect(append(&outbox, 2, "a") == nil)
        #expect(append(&outbox, 3, "a") == 2)
        #expect(sent(&outbox) == [1, 100, 255, 2, 2, 3])
    }

    @Test func `room is reckoned without the one that goes`() {
        var outbox = Outbox()
        _ = outbox.append([1, 1, 1, 1], id: id(1), key: Self.key("a"), now: 0)
        #expect(outbox.bytes(adding: 3, key: Self.key("a"), now: 0) == 3)
        #expect(outbox.bytes(adding: 3, key: Self.key("b"), now: 0) == 7)
        #expect(outbox.bytes(adding: 3, key: nil, now: 0) == 7)
        #expect(outbox.bytes(adding: 3, key: Self.key("a"), now: 1000) == 7)
    }

    @Test func `control frames go before an announcement, which goes when what has not begun is dropped`() {
        var outbox = Outbox()
        append(&outbox, 1, "a")
        append(&outbox, 2, nil)
        append(&outbox, 3, "a")
        _ = outbox.insertPong([200])
        append(&outbox, 4, "a")
        #expect(sent(&outbox, max: 2) == [200, 255])
        #expect(outbox.dropMessagesNotBegun() == 2)
        #expect(sent(&outbox) == [1, 1])
        #expect(outbox.messages == 0 && !outbox.hasOmissions)
    }

    /// A filter leaves events between that nobody announces: every one left out is a range.
    @Test func `so many ranges wait, and no more`() {
        var outbox = Outbox()
        outbox.append([0])
        let key = Self.key("a")
        var leftOut = 0
        for number in 1...5000 as ClosedRange<UInt64> {
            if outbox.append([1], id: id(number * 2), key: key, now: 0) != nil { leftOut += 1 }
        }
        #expect(leftOut == Outbox.rangesMax)
        #expect(outbox.messages == 1 + 5000 - leftOut)
    }

    @Test func `places that are empty take no memory for long`() {
        var outbox = Outbox()
        let keys = (0..<10).map { Self.key("\($0)") }
        outbox.append([0])
        for number in 1...100_000 as ClosedRange<UInt64> {
            _ = outbox.append([1], id: id(number), key: keys[Int(number * 7 % 10)], now: 0)
        }
        #expect(outbox.messages == 11)
        #expect(outbox.entries.count < 300 && outbox.latest.places.count == 10)
        // And keys that nobody names again are forgotten when they are sent.
        for number in 1...10_000 as ClosedRange<UInt64> {
            _ = outbox.append([1], id: id(100_000 + number), key: Self.key("k\(number)"), now: 0)
            if outbox.messages > 20 { _ = sent(&outbox, max: 1) }
        }
        #expect(outbox.latest.places.count < 300 && outbox.entries.count < 300)
    }

    // MARK: Against a plain list

    private struct Model {
        enum Kind { case message, control, leftOut }
        struct Entry {
            var rest: [UInt8]
            var isBegun = false
            var kind = Kind.message
            var key: Int?
            var sequence: UInt64 = 0
            var isPinned = false
        }
        var entries: [Entry] = []
        var since: [Int: UInt64] = [:]

        mutating func append(_ bytes: [UInt8], _ sequence: UInt64, _ key: Int?, now: UInt64) -> UInt64? {
            var removed: UInt64?
            if let key {
                let newest = entries.lastIndex { $0.key == key }
                if let newest, !entries[newest].isBegun, !entries[newest].isPinned, now - since[key]! < 1000 {
                    removed = entries[newest].sequence
                    entries[newest] = Entry(rest: [], kind: .leftOut, sequence: entries[newest].sequence)
                } else {
                    since[key] = now
                }
            }
            entries.append(Entry(rest: bytes, key: key, sequence: sequence))
            return removed
        }

        mutating func announce(within max: Int) {
            var (room, index) = (max, 0)
            while index < entries.count, room > 0 {
                if entries[index].kind == .leftOut {
                    var omission: Omission?
                    while entries[index].kind == .leftOut {
                        let more = Omission(EventID(epoch: epoch, sequence: entries.remove(at: index).sequence), type: "tick")
                        if omission == nil { omission = more } else { omission?.append(more) }
                    }
                    entries.insert(Entry(rest: announcement(omission!)), at: index)
                }
                room -= entries[index].rest.count
                index += 1
            }
        }

        mutating func consume(_ count: Int) {
            for _ in 0..<count {
                entries[0].rest.removeFirst()
                entries[0].isBegun = true
                if entries[0].rest.isEmpty { entries.removeFirst() }
            }
        }

        mutating func pong(_ byte: UInt8) {
            if let waiting = entries.firstIndex(where: { $0.kind == .control && !$0.isBegun }) {
                entries[waiting].rest = [byte, byte]
            } else {
                entries.insert(Entry(rest: [byte, byte], kind: .control), at: entries.first?.isBegun == true ? 1 : 0)
            }
        }
    }

    @Test(arguments: 0..<200 as Range<UInt64>) func `it does what a plain list does`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let keys = (0..<4).map { Self.key("\($0)") }
        let gap = UInt64.random(in: 0...2, using: &generator)
        let readsOneIn = Int.random(in: 1...40, using: &generator)
        var (outbox, model, sequence, now, leftOut) = (Outbox(), Model(), UInt64(0), UInt64(0), 0)
        for _ in 0..<800 {
            now += UInt64.random(in: 0...30, using: &generator)
            switch Int.random(in: 0..<20, using: &generator) {
            case 0:
                _ = outbox.insertPong([9, 9])
                model.pong(9)
            case 1 where Int.random(in: 0..<10, using: &generator) == 0:
                outbox.pinWhatWaits()
                for index in model.entries.indices { model.entries[index].isPinned = true }
            case 2..<5 where Int.random(in: 0..<readsOneIn, using: &generator) == 0:
                let max = Int.random(in: 1...60, using: &generator)
                outbox.announce(within: max, Self.announcement)
                model.announce(within: max)
                var bytes: [UInt8] = []
                outbox.gather(into: &bytes, max: max)
                #expect(bytes == Array(model.entries.flatMap(\.rest).prefix(max)), "seed \(seed)")
                let taken = Int.random(in: 0...bytes.count, using: &generator)
                outbox.consume(taken)
                model.consume(taken)
            default:
                sequence += 1 + UInt64.random(in: 0...gap, using: &generator)
                let key = Int.random(in: -1..<4, using: &generator)
                let bytes = [UInt8](repeating: UInt8(truncatingIfNeeded: sequence), count: Int.random(in: 1...9, using: &generator))
                let removed = outbox.append(bytes, id: id(sequence), key: key < 0 ? nil : keys[key], now: now)
                #expect(removed == model.append(bytes, sequence, key < 0 ? nil : key, now: now), "seed \(seed)")
                if removed != nil { leftOut += 1 }
            }
            #expect(outbox.bytes == model.entries.reduce(0) { $0 + $1.rest.count }, "seed \(seed)")
            #expect(outbox.messages == model.entries.count { $0.kind != .leftOut }, "seed \(seed)")
            #expect(outbox.hasOmissions == model.entries.contains { $0.kind == .leftOut }, "seed \(seed)")
        }
        #expect(leftOut > 0)
    }
}

import Testing

@testable import WebSocketGateway

@Suite("What became of a batch")
struct DeliveryCountsTests {
    @Test func `members that took everything count for each event`() {
        let counts = DeliveryCounts(uniform: 7)
        for event in 0..<3 { #expect(counts.counts(ofEvent: event) == EventCounts(connections: 7, sent: 7)) }
    }

    @Test func `a partial member counts by event`() {
        var counts = DeliveryCounts(uniform: 2)
        counts.addPartial(events: 4, sent: 1, queued: 2)
        #expect(counts.counts(ofEvent: 0) == EventCounts(connections: 3, sent: 3))
        #expect(counts.counts(ofEvent: 1) == EventCounts(connections: 3, sent: 2, queued: 1))
        #expect(counts.counts(ofEvent: 2) == EventCounts(connections: 3, sent: 2, queued: 1))
        #expect(counts.counts(ofEvent: 3) == EventCounts(connections: 3, sent: 2, dropped: 1))
    }

    @Test func `a filtering member counts only the events it wants`() {
        var counts = DeliveryCounts(uniform: 1)
        counts.add(event: 1, of: 3, EventCounts(connections: 1, queued: 1))
        #expect(counts.counts(ofEvent: 0) == EventCounts(connections: 1, sent: 1))
        #expect(counts.counts(ofEvent: 1) == EventCounts(connections: 2, sent: 1, queued: 1))
    }

    @Test func `what leaves for a newer one of the batch was queued no more`() {
        var counts = DeliveryCounts(uniform: 2)
        counts.addPartial(events: 3, sent: 1, queued: 2)
        counts.conflate(event: 1)
        #expect(counts.counts(ofEvent: 1) == EventCounts(connections: 3, sent: 2, conflated: 1))
        #expect(counts.counts(ofEvent: 2) == EventCounts(connections: 3, sent: 2, queued: 1))
        var other = DeliveryCounts()
        other.add(counts)
        #expect(other.counts(ofEvent: 1).conflated == 1)
    }

    @Test func `workers' counts add up, whichever of them had exceptions`() {
        var plain = DeliveryCounts(uniform: 3)
        var mixed = DeliveryCounts(uniform: 1)
        mixed.addPartial(events: 2, sent: 0, queued: 1)
        let before = plain
        plain.add(mixed)
        mixed.add(before)
        #expect(plain == mixed)
        #expect(plain.counts(ofEvent: 0) == EventCounts(connections: 5, sent: 4, queued: 1))
        #expect(plain.counts(ofEvent: 1) == EventCounts(connections: 5, sent: 4, dropped: 1))
        plain.add(mixed)
        #expect(plain.counts(ofEvent: 1) == EventCounts(connections: 10, sent: 8, dropped: 2))
    }

    @Test(arguments: 0..<10 as Range<UInt64>)
    func `every connection ends in exactly one column`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var counts = DeliveryCounts(uniform: Int.random(in: 0...5, using: &generator))
        for _ in 0..<50 {
            let sent = Int.random(in: 0...5, using: &generator)
            counts.addPartial(events: 5, sent: sent, queued: Int.random(in: 0...(5 - sent), using: &generator))
        }
        for event in 0..<5 {
            let count = counts.counts(ofEvent: event)
            #expect(count.connections == count.sent + count.queued + count.dropped, "seed \(seed)")
            #expect(count.connections == counts.uniform + 50, "seed \(seed)")
        }
    }
}

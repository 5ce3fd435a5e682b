import Sessions
import Testing

@Suite struct SessionStreamTests {
    private let now = Timestamp(microsecondsSince1970: 1_000)

    @Test func `an empty stream has neither epoch nor last id`() {
        let stream = SessionStream()
        #expect(stream.epoch == nil)
        #expect(stream.lastID == nil)
        #expect(stream.lastSequence == 0)
    }

    @Test func `the first event is number 1 of a new epoch, and each later one is exactly one more`() throws {
        var stream = SessionStream()
        var asked = 0
        func newEpoch() -> Epoch {
            asked += 1
            var generator = SeededGenerator(seed: UInt64(asked))
            return Epoch.random(using: &generator)
        }
        let ids = (0..<100).map { _ in stream.append(now: now, epoch: newEpoch()).id }
        #expect(ids.map(\.sequence) == Array(1...100))
        #expect(Set(ids.map(\.epoch)).count == 1)
        #expect(asked == 1)
        #expect(stream.lastID == ids.last)
        #expect(stream.epoch == ids.first?.epoch)
        #expect(stream.lastSequence == 100)
    }

    @Test func `an id the client has seen is never reused, not even by a stream that begins again`() {
        var generator = SystemRandomNumberGenerator()
        var seen: Set<EventID> = []
        for _ in 0..<50 {
            var stream = SessionStream()
            for _ in 0..<20 { #expect(seen.insert(stream.append(now: now, epoch: .random(using: &generator)).id).inserted) }
        }
    }

    @Test func `events of one microsecond get timestamps of their own`() throws {
        var stream = SessionStream()
        let epoch = try Epoch(parsing: "3w5e11264sgsf")
        let times = (0..<3).map { _ in stream.append(now: now, epoch: epoch).timestamp.microsecondsSince1970 }
        #expect(times == [1_000, 1_001, 1_002])
    }

    /// What a store could not keep nobody saw, so its ids are given again.
    @Test func `a stream that is put back gives its ids again, and later times`() throws {
        var random = SystemRandomNumberGenerator()
        let (now, epoch) = (Timestamp(microsecondsSince1970: 1000), Epoch.random(using: &random))
        var stream = SessionStream()
        let first = stream.append(now: now, epoch: epoch)
        let second = stream.append(now: now, epoch: epoch)
        stream.reach(first.id)
        let again = stream.append(now: now, epoch: epoch)
        #expect(again.id == second.id && again.timestamp > second.timestamp)
        stream.reach(nil)
        #expect(stream.lastID == nil && stream.append(now: now, epoch: epoch).timestamp > again.timestamp)
    }
}

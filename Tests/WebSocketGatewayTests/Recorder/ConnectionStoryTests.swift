import Sessions
import Testing

@testable import WebSocketGateway

@Suite("A connection's story")
struct ConnectionStoryTests {
    private func time(_ seconds: Double) -> Timestamp { Timestamp(microsecondsSince1970: 1_700_000_000_000_000 + Int64(seconds * 1e6)) }

    private func id(_ sequence: Int) throws -> EventID { try EventID(parsing: "0123456789abc-\(sequence)") }

    private func story(_ moments: [(Double, ConnectionMoment.What)]) -> ConnectionStory {
        var story = ConnectionStory()
        for (at, what) in moments { story.note(what, at: time(at)) }
        return story
    }

    @Test func `what happens once is told as it was`() {
        let told = story([
            (0, .lagged(queuedBytes: 5)), (1, .fellBehind(after: nil, queuedBytes: 100)), (2, .caughtUp(milliseconds: 7, events: 3)),
        ])
        #expect(
            told.moments.map(\.what) == [
                .lagged(queuedBytes: 5), .fellBehind(after: nil, queuedBytes: 100), .caughtUp(milliseconds: 7, events: 3),
            ])
        #expect(told.moments.allSatisfy { $0.count == 1 && $0.firstAt == $0.lastAt })
        #expect(told.dropped == 0)
    }

    /// Bytes and times the largest, counts the sum, ids the newest's.
    @Test func `what comes again within a minute is told in one`() throws {
        let rows: [(ConnectionMoment.What, ConnectionMoment.What, ConnectionMoment.What)] = [
            (.lagged(queuedBytes: 9), .lagged(queuedBytes: 5), .lagged(queuedBytes: 9)),
            (
                .fellBehind(after: try id(3), queuedBytes: 9), .fellBehind(after: try id(8), queuedBytes: 7),
                .fellBehind(after: try id(8), queuedBytes: 9)
            ),
            (.caughtUp(milliseconds: 5, events: 4), .caughtUp(milliseconds: 6, events: 3), .caughtUp(milliseconds: 6, events: 7)),
            (
                .conflated(events: 2, types: ["a", "b"]), .conflated(events: 3, types: ["b", "c"]),
                .conflated(events: 5, types: ["a", "b", "c"])
            ),
            (
                .lost(first: try id(1), last: try id(2), events: 2), .lost(first: try id(5), last: try id(5), events: 1),
                .lost(first: try id(5), last: try id(5), events: 3)
            ),
            (.rateLimited, .rateLimited, .rateLimited),
            (.slowPing(milliseconds: 1500), .slowPing(milliseconds: 1200.5), .slowPing(milliseconds: 1500)),
        ]
        for (first, second, whole) in rows {
            let told = story([(0, first), (60, second)])
            let moment = try #require(told.moments.first)
            #expect(told.moments.count == 1 && moment.what == whole)
            #expect((moment.count, moment.firstAt, moment.lastAt) == (2, time(0), time(60)))
            #expect(story([(0, first), (60.1, second)]).moments.map(\.what) == [first, second], "more than a minute is two")
        }
        #expect(Set(rows.map(\.0.name)).count == 7, "every kind has its row")
    }

    @Test func `a client that flaps leaves as many moments as there are kinds, whatever happens between`() throws {
        var told = story([(0, .lost(first: try id(1), last: try id(4), events: 4))])
        for round in 0..<10_000 {
            told.note(.lagged(queuedBytes: 10), at: time(Double(round)))
            told.note(.fellBehind(after: try id(round + 5), queuedBytes: 100), at: time(Double(round) + 0.1))
            told.note(.caughtUp(milliseconds: 100, events: 2), at: time(Double(round) + 0.2))
        }
        #expect(told.moments.map(\.count) == [1, 10_000, 10_000, 10_000])
        #expect(told.moments[2].what == .fellBehind(after: try id(10_004), queuedBytes: 100) && told.dropped == 0)
    }

    @Test func `there are 32 at the most, and the only one of its kind stays`() throws {
        let loss = ConnectionMoment.What.lost(first: try id(1), last: try id(4), events: 4)
        var told = story([(0, .lagged(queuedBytes: 1)), (1, loss)])
        for round in 1...100 { told.note(.lagged(queuedBytes: round), at: time(Double(round) * 100)) }
        #expect(told.moments.count == ConnectionStory.momentsMax && told.dropped == 70)
        #expect(told.moments.first?.what == loss)
        #expect(told.moments.dropFirst().map(\.what) == (70...100).map { .lagged(queuedBytes: $0) })
        // What was told in one is dropped as many.
        told = story([(0, .rateLimited), (1, .rateLimited)])
        for round in 1...32 { told.note(.rateLimited, at: time(Double(round) * 100)) }
        #expect(told.moments.count == 32 && told.dropped == 2)
    }

    @Test func `a clock that is set back makes nothing worse`() {
        let told = story([(100, .lagged(queuedBytes: 1)), (-5000, .lagged(queuedBytes: 2))])
        #expect(told.moments.count == 1 && told.moments[0].lastAt == time(100) && told.moments[0].count == 2)
    }

    @Test func `types are bounded`() {
        var told = ConnectionStory()
        for n in 0..<40 { told.note(.conflated(events: 1, types: ["t\(n)"]), at: time(0)) }
        #expect(told.moments.map(\.what) == [.conflated(events: 40, types: (0..<16).map { "t\($0)" })])
    }

    @Test func `each moment has its form`() throws {
        let rows: [(ConnectionMoment.What, String)] = [
            (.lagged(queuedBytes: 5), #""moment":"lagged",@,"queued_bytes":5"#),
            (.fellBehind(after: nil, queuedBytes: 5), #""moment":"fell_behind",@,"after_id":null,"queued_bytes":5"#),
            (.fellBehind(after: try id(7), queuedBytes: 5), #""moment":"fell_behind",@,"after_id":"0123456789abc-7","queued_bytes":5"#),
            (.caughtUp(milliseconds: 5, events: 6), #""moment":"caught_up",@,"duration_ms":5,"events":6"#),
            (.conflated(events: 5, types: ["a"]), #""moment":"conflated",@,"events":5,"types":["a"]"#),
            (
                .lost(first: try id(1), last: try id(3), events: 3),
                #""moment":"lost",@,"first_id":"0123456789abc-1","last_id":"0123456789abc-3","events":3"#
            ),
            (.rateLimited, #""moment":"rate_limited",@"#),
            (.slowPing(milliseconds: 1234.5), #""moment":"slow_ping",@,"rtt_ms":1234.5"#),
        ]
        let common = #""at":"2023-11-14T22:13:20.000000Z","last_at":"2023-11-14T22:13:20.000000Z","count":1"#
        for (what, form) in rows {
            let expected = "{" + form.split(separator: "@", omittingEmptySubsequences: false).joined(separator: common) + "}"
            #expect(ConnectionMoment(what, at: time(0)).json.encoded == expected)
        }
    }
}

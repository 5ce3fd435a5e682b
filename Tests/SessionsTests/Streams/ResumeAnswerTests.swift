import Sessions
import Testing

@Suite struct ResumeAnswerTests {
    private static let epoch = "3w5e11264sgsf"

    private func stream(events: Int) throws -> SessionStream {
        var stream = SessionStream()
        let epoch = try Epoch(parsing: Self.epoch)
        for _ in 0..<events { _ = stream.append(now: Timestamp(microsecondsSince1970: 0), epoch: epoch) }
        return stream
    }

    /// Of ten events the last four, 7 to 10, are kept.
    @Test(arguments: [
        ("\(epoch)-10", true, nil), ("\(epoch)-9", true, 9), ("\(epoch)-7", true, 7), ("\(epoch)-6", true, 6),
        ("\(epoch)-5", false, 6), ("\(epoch)-1", false, 6), ("\(epoch)-11", false, 6), ("0000000000000-9", false, 6),
    ])
    func `a resume recovers when nothing behind the id is gone, and begins at the oldest otherwise`(
        _ text: String, _ recovered: Bool, _ start: UInt64?
    ) throws {
        let (id, stream) = (try EventID(parsing: text), try stream(events: 10))
        let answer = stream.resume(from: id, kept: 4)
        #expect(answer == ResumeAnswer(recovered: recovered, from: id, oldestID: try EventID(parsing: "\(Self.epoch)-7")))
        #expect(stream.start(answer, .live, kept: 4) == start)
        #expect(stream.start(answer, .all, kept: 4) == start, "a resume wins over join")
    }

    @Test(arguments: [("3w5e11264sgsf-3", true), ("3w5e11264sgsf-2", false), ("3w5e11264sgsf-4", false), ("0000000000000-3", false)])
    func `only the client at the head recovers while nothing is kept`(_ text: String, _ recovered: Bool) throws {
        let (id, stream) = (try EventID(parsing: text), try stream(events: 3))
        let answer = stream.resume(from: id, kept: 0)
        #expect(answer == ResumeAnswer(recovered: recovered, from: id, oldestID: nil))
        #expect(stream.start(answer, .live, kept: 0) == nil)
    }

    @Test func `no more is kept than there is`() throws {
        let (id, stream) = (try EventID(parsing: "3w5e11264sgsf-2"), try stream(events: 3))
        let answer = stream.resume(from: id, kept: 100)
        #expect(answer == ResumeAnswer(recovered: true, from: id, oldestID: try EventID(parsing: "3w5e11264sgsf-1")))
        #expect(stream.start(nil, .all, kept: 100) == 0 && stream.start(nil, .latest(50), kept: 100) == 0)
    }

    @Test func `nothing recovers from an empty stream, and nothing is before what comes`() throws {
        let (id, stream) = (try EventID(parsing: "3w5e11264sgsf-1"), try stream(events: 0))
        let answer = stream.resume(from: id, kept: 0)
        #expect(answer.recovered == false)
        for join in [JoinMode.live, .all, .latest(5)] {
            #expect(stream.start(answer, join, kept: 0) == nil)
            #expect(stream.start(nil, join, kept: 0) == nil)
        }
    }

    @Test(arguments: [
        (JoinMode.live, nil), (.all, 6), (.latest(0), nil), (.latest(1), 9), (.latest(4), 6), (.latest(5), 6),
        (.latest(JoinMode.latestMax), 6),
    ])
    func `who comes late begins where it asked to, as far as events are kept`(_ join: JoinMode, _ start: UInt64?) throws {
        #expect(try stream(events: 10).start(nil, join, kept: 4) == start)
    }
}

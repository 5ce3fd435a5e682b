import Sessions
import Testing

@Suite struct ResumeAnswerTests {
    private func stream(events: Int) throws -> SessionStream {
        var stream = SessionStream()
        let epoch = try Epoch(parsing: "3w5e11264sgsf")
        for _ in 0..<events { _ = stream.append(now: Timestamp(microsecondsSince1970: 0), epoch: epoch) }
        return stream
    }

    @Test(arguments: [("3w5e11264sgsf-3", true), ("3w5e11264sgsf-2", false), ("3w5e11264sgsf-4", false), ("0000000000000-3", false)])
    func `only the client at the head recovers while there is no history`(_ text: String, _ recovered: Bool) throws {
        let id = try EventID(parsing: text)
        #expect(try stream(events: 3).resume(from: id) == ResumeAnswer(recovered: recovered, from: id, oldestID: nil))
    }

    @Test func `nothing recovers from an empty stream`() throws {
        let id = try EventID(parsing: "3w5e11264sgsf-1")
        #expect(try stream(events: 0).resume(from: id).recovered == false)
    }
}

import Sessions
import Testing

@testable import websocket_gateway

@Suite struct StreamProgressTests {
    private func id(_ sequence: Int, epoch: String = "0123456789abc") throws -> EventID { try EventID(parsing: "\(epoch)-\(sequence)") }

    @Test func `ids that grow by one are in order, a jump is a gap`() throws {
        var progress = StreamProgress(last: nil, isContiguous: true)
        #expect(progress.receive(try id(5)) == .inOrder)
        #expect(progress.receive(try id(6)) == .inOrder)
        let step = progress.receive(try id(9))
        #expect(step == .gap(after: try id(6), before: try id(9)))
        #expect(step.warning?.hasPrefix("GAP: 2 event(s) missing") == true)
        #expect(progress.receive(try id(10)) == .inOrder)
    }

    @Test func `what connected says makes the first event's place known`() throws {
        var progress = StreamProgress(last: nil, isContiguous: true)
        progress.join(at: try id(7))
        #expect(progress.receive(try id(9)) == .gap(after: try id(7), before: try id(9)))
    }

    @Test func `after a resume the next event is the one after the last`() throws {
        var progress = StreamProgress(last: try id(7), isContiguous: true)
        progress.join(at: try id(20))
        #expect(progress.receive(try id(8)) == .inOrder)
    }

    @Test func `an event that was here is repeated and does not move the place`() throws {
        var progress = StreamProgress(last: try id(7), isContiguous: true)
        #expect(progress.receive(try id(7)) == .repeated(try id(7), after: try id(7)))
        #expect(progress.receive(try id(3)) == .repeated(try id(3), after: try id(7)))
        #expect(progress.receive(try id(8)) == .inOrder)
    }

    @Test func `another epoch is told, and counted from there`() throws {
        var progress = StreamProgress(last: try id(7), isContiguous: true)
        let other = try id(1, epoch: "zzzzzzzzzzzzz")
        #expect(progress.receive(other) == .newEpoch(after: try id(7), other))
        #expect(progress.receive(try id(2, epoch: "zzzzzzzzzzzzz")) == .inOrder)
    }

    @Test func `with a filter holes are no gaps, but repeats are repeats`() throws {
        var progress = StreamProgress(last: try id(1), isContiguous: false)
        #expect(progress.receive(try id(9)) == .inOrder)
        #expect(progress.receive(try id(9)) == .repeated(try id(9), after: try id(9)))
    }

    @Test func `announced omissions are no gaps, others still are`() throws {
        var progress = StreamProgress(last: try id(1), isContiguous: true)
        progress.announceAbsent(first: try id(2), last: try id(4))
        #expect(progress.receive(try id(5)) == .inOrder)
        progress.announceAbsent(first: try id(8), last: try id(9))
        #expect(progress.receive(try id(10)) == .gap(after: try id(5), before: try id(10)))
    }
}

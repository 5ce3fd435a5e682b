import Sessions
import Testing

@testable import WebSocketGateway

@Suite("What a page leaves out")
struct HistoryPageConflatingTests {
    /// `a` is a key; nil is an event that everybody gets.
    private func frames(_ keys: [String?], every step: UInt64 = 1) throws -> [Frame] {
        let policies = DeliveryPolicies()
        return try keys.enumerated().map { index, key in
            let body = Array((key.map { #"{"type":"price_update","data":{},"key":"\#($0)"}"# } ?? #"{"type":"candle","data":{}}"#).utf8)
            let event = try EventParser.parse(body.span, format: .json).events[0]
            let id = EventID(epoch: try Epoch(parsing: "0123456789abc"), sequence: UInt64(index) * step + 1)
            return Frame(
                event, of: body.span, id: id, timestamp: TimestampText(Timestamp(microsecondsSince1970: 0)), publishedAt: 0,
                key: policies.key(of: event, in: body.span))
        }
    }

    private func told(_ frames: [Frame]) -> [String] {
        HistoryPage.conflated(frames).map { entry in
            switch entry {
            case .event(let frame): "\(frame.id.sequence)"
            case .leftOut(let omission, let types): "\(omission.ranges.map { "\($0.lowerBound)...\($0.upperBound)" }) of \(types.count)"
            }
        }
    }

    @Test func `what has a newer one of its key behind it is left out where it stood`() throws {
        #expect(told(try frames([])) == [])
        #expect(told(try frames([nil, nil])) == ["1", "2"])
        #expect(told(try frames(["a", "b", nil, "a", "a", nil, "a"])) == [#"["1...1"] of 1"#, "2", "3", #"["4...5"] of 2"#, "6", "7"])
        #expect(told(try frames(["a", "b", "c"])) == ["1", "2", "3"])
    }

    @Test func `a filter's holes are between ranges`() throws {
        #expect(told(try frames(["a", "a", "a"], every: 2)) == [#"["1...1", "3...3"] of 2"#, "5"])
    }
}

import Testing

@testable import Sessions

@Suite("Delivery policies")
struct DeliveryPolicyTests {
    private func key(_ event: String, _ overrides: [String: DeliveryPolicy] = [:]) throws -> ConflationKey? {
        let body = Array(event.utf8)
        let parsed = try EventParser.parse(body.span, format: .json).events[0]
        let types = overrides.map { (EventType(rawValue: $0)!, $1) }
        let policies = DeliveryPolicies(Dictionary(uniqueKeysWithValues: types))
        let key = policies.key(of: parsed, in: body.span)
        #expect(key == nil || policies.mayHaveKey(metricIndex: parsed.metricIndex), "whoever asks first whether there may be one misses it")
        return key
    }

    @Test func `of the types that are always delivered no key is asked for`() {
        let other = EventType.known.count
        let asked = { (policies: DeliveryPolicies) in (0...other).filter { policies.mayHaveKey(metricIndex: $0) } }
        let usual: [EventType] = [.statsUpdate, .countdownUpdate, .priceUpdate, .positionUpdated]
        #expect(Set(asked(DeliveryPolicies())) == Set(usual.map(\.metricIndex)))
        let tick = EventType(rawValue: "tick")
        #expect(tick.map { asked(DeliveryPolicies([$0: .latest, .statsUpdate: .deliver])) }?.contains(other) == true)
        #expect(asked(DeliveryPolicies([.statsUpdate: .deliver])).contains(EventType.statsUpdate.metricIndex) == false)
    }

    private func isLatest(_ type: String, key name: String? = nil, _ overrides: [String: DeliveryPolicy] = [:]) throws -> Bool {
        try key(#"{"type":"\#(type)","data":{}\#(name.map { #","key":"\#($0)""# } ?? "")}"#, overrides) != nil
    }

    @Test func `by default some types are latest, one only with a key, and all others are delivered`() throws {
        let latest = EventType.known.map(\.rawValue).filter { (try? isLatest($0)) == true }
        #expect(latest == ["stats_update", "countdown_update", "price_update"])
        let withKey = EventType.known.map(\.rawValue).filter { (try? isLatest($0, key: "BTC")) == true }
        #expect(withKey == ["position_updated", "stats_update", "countdown_update", "price_update"])
        #expect(try !isLatest("tick") && !isLatest("tick", key: "BTC"))
    }

    @Test func `what the engine says holds, with a key and without`() throws {
        #expect(try isLatest("tick", ["tick": .latest]) && isLatest("tick", key: "a", ["tick": .latest]))
        #expect(try !isLatest("tock", ["tick": .latest]))
        #expect(try !isLatest("tick", ["tick": .deliver]))
        #expect(try isLatest("candle", ["candle": .latest]) && isLatest("stats_update", ["candle": .latest]))
        #expect(try !isLatest("price_update", key: "a", ["price_update": .deliver]))
        #expect(try isLatest("position_updated", ["position_updated": .latest]))
        #expect(try !isLatest("position_updated", key: "a", ["position_updated": .deliver]))
    }

    @Test func `a key is its type and what the publisher's key stands for`() throws {
        let plain = try key(#"{"type":"price_update","data":{},"key":"BTC"}"#)
        #expect(try plain == key(#"{"key":"\u0042TC","data":{"x":1},"type":"price_update"}"#))
        #expect(try plain != key(#"{"type":"price_update","data":{},"key":"ETH"}"#))
        #expect(try plain != key(#"{"type":"price_update","data":{}}"#))
        #expect(try plain != key(#"{"type":"stats_update","data":{},"key":"BTC"}"#))
        #expect(try key(#"{"type":"price_update","data":{},"key":"\u0000"}"#) != key(#"{"type":"price_update","data":{}}"#))
        #expect(plain?.type == "price_update")
        #expect(try key(#"{"type":"price_update","data":{}}"#)?.type == "price_update")
    }
}

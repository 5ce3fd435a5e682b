import Sessions
import Testing

@Suite struct EventTypeTests {
    @Test(arguments: ["a", "z9", "a_", "my_type_2", String(repeating: "a", count: 64)])
    func `a type is a letter, then letters, digits and underscores`(_ name: String) {
        #expect(EventType(rawValue: name)?.rawValue == name)
    }

    @Test(arguments: [
        "", "A", "9a", "_a", "aB", "a-b", "a b", "é", "a\u{0}", String(repeating: "a", count: 65), "connected", "conflated", "lost",
        "closed",
    ])
    func `anything else is none, and neither are the gateway's own words`(_ name: String) {
        #expect(EventType(rawValue: name) == nil)
    }

    @Test func `each known type has its own index, and any other the one after`() {
        for (index, type) in EventType.known.enumerated() {
            #expect(type.metricIndex == index)
            let indexOfBytes = EventType.metricIndex(of: type.rawValue.utf8.span)
            #expect(indexOfBytes == index)
            #expect(EventType(rawValue: type.rawValue) == type)
        }
        for name in ["", "candl", "candles", "candlf", "connected", "x"] {
            let index = EventType.metricIndex(of: name.utf8.span)
            #expect(index == EventType.known.count)
        }
    }

    @Test func `the reserved are connected, conflated, lost and closed`() {
        #expect(EventType.reserved.map(\.rawValue) == ["connected", "conflated", "lost", "closed"])
        for type in EventType.known + EventType.reserved {
            let isReserved = EventType.isReserved(type.rawValue.utf8.span)
            #expect(isReserved == EventType.reserved.contains(type))
        }
    }
}

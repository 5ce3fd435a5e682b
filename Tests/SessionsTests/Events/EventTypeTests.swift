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

    @Test func `a type that differs from a known one in a byte is not known`() {
        for type in EventType.known {
            let bytes = Array(type.rawValue.utf8)
            for index in bytes.indices {
                var other = bytes
                other[index] = other[index] == UInt8(ascii: "x") ? UInt8(ascii: "y") : UInt8(ascii: "x")
                let metricIndex = EventType.metricIndex(of: other.span)
                #expect(metricIndex == EventType.known.count)
            }
        }
    }

    @Test func `each byte is allowed in a type or is not, first and behind`() {
        let (letters, digits) = (UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"))
        for byte in UInt8.min...UInt8.max {
            for (count, position) in [(1, 0), (20, 0), (2, 1), (15, 14), (16, 15), (17, 16), (20, 3), (64, 40), (64, 63)] {
                var bytes = [UInt8](repeating: UInt8(ascii: "a"), count: count)
                bytes[position] = byte
                let isAllowed = letters.contains(byte) || position > 0 && (digits.contains(byte) || byte == UInt8(ascii: "_"))
                let isWellFormed = EventType.isWellFormed(bytes.span)
                #expect(isWellFormed == isAllowed, "\(byte) at \(position) of \(count)")
            }
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

import Sessions
import Testing

@Suite struct TypeFilterTests {
    @Test func `a connection gets the types it named and no others`() throws {
        let filter = try #require(TypeFilter.parse("candle,error,my_own_type,candle"))
        for (type, wanted) in [
            ("candle", true), ("error", true), ("my_own_type", true), ("heartbeat", false), ("candles", false), ("my_own", false),
        ] {
            let isWanted = filter.contains(type.utf8.span)
            #expect(isWanted == wanted)
        }
    }

    @Test(arguments: ["", ",", "candle,", ",candle", "Candle", "candle, error", "a-b", String(repeating: "a", count: 65)])
    func `a list with anything that is no type is refused`(_ text: String) {
        #expect(TypeFilter.parse(text) == nil)
    }

    @Test func `64 types are the most`() {
        let names = (0..<65).map { "type_\($0)" }
        #expect(TypeFilter.parse(names.prefix(64).joined(separator: ",")) != nil)
        #expect(TypeFilter.parse(names.joined(separator: ",")) == nil)
        #expect(TypeFilter.parse(String(repeating: ",", count: 100_000)) == nil)
    }

    @Test func `every known type can be filtered`() throws {
        for type in EventType.known {
            let filter = try #require(TypeFilter.parse(type.rawValue))
            for other in EventType.known {
                let isWanted = filter.contains(other.rawValue.utf8.span, metricIndex: other.metricIndex)
                #expect(isWanted == (type == other))
            }
        }
    }
}

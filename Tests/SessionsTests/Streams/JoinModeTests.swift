import Sessions
import Testing

@Suite struct JoinModeTests {
    @Test(
        arguments: [("live", .live), ("all", .all), ("0", .latest(0)), ("100", .latest(100)), ("10000000", .latest(10_000_000))]
            as [(String, JoinMode)])
    func `live, all and numbers are read, and written alike`(_ text: String, _ mode: JoinMode) {
        #expect(JoinMode.parse(text) == mode)
        #expect(mode.description == text)
    }

    @Test(arguments: ["", "Live", "10000001", "-1", "+1", "1.5", " 1", "99999999999999999999999999", "１"])
    func `anything else is refused`(_ text: String) {
        #expect(JoinMode.parse(text) == nil)
    }
}

import Testing

@testable import Sessions

@Suite("The speed of a replay")
struct ReplaySpeedTests {
    @Test(
        arguments: [
            ("1x", 1000, "1x"), ("0.5x", 500, "0.5x"), ("100x", 100_000, "100x"), ("10x", 10_000, "10x"), ("1.250x", 1250, "1.25x"),
            ("2.0x", 2000, "2x"), ("99.999x", 99_999, "99.999x"), ("01.5x", 1500, "1.5x"), ("10.05x", 10_050, "10.05x"),
        ] as [(String, UInt64, String)])
    func `a decimal number and x`(text: String, thousandths: UInt64, written: String) throws {
        let speed = try #require(ReplaySpeed.parse(text))
        #expect(speed == .times(thousandths: thousandths) && speed.description == written)
        #expect(ReplaySpeed.parse(written) == speed)
    }

    @Test func `or as fast as it goes`() {
        #expect(ReplaySpeed.parse("max") == .max)
        #expect(ReplaySpeed.max.description == "max")
    }

    @Test(
        arguments: [
            "", "x", "1", "0x", "0.4x", "0.499x", "100.001x", "101x", "-1x", "+1x", "1e1x", "1,5x", ".5x", "1.x", "1..5x", "1.5.5x",
            "1.2345x",
            "1x ", " 1x", "1X", "MAX", "max ", "1xx", "٣x", "99999999999999999999999x", "0x10x", "nanx", "infx", "0000001x",
        ])
    func `nothing else`(text: String) { #expect(ReplaySpeed.parse(text) == nil) }

    @Test func `durations`() {
        #expect(ReplaySpeed.times(thousandths: 500).duration(of: 10) == 20)
        #expect(ReplaySpeed.times(thousandths: 100_000).duration(of: 1_000_000) == 10_000)
        #expect(ReplaySpeed.times(thousandths: 2000).recorded(in: 10) == 20)
        #expect(
            ReplaySpeed.times(thousandths: 500).duration(of: .max) == .max && ReplaySpeed.times(thousandths: 500).recorded(in: .max) == .max
        )
        #expect(ReplaySpeed.max.duration(of: .max) == 0 && ReplaySpeed.max.recorded(in: .max) == 0)
    }
}

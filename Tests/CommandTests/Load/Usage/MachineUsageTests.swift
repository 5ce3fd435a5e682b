import Testing

@testable import websocket_gateway

@Suite struct MachineUsageTests {
    private func busy(_ text: String) -> UInt64? { MachineUsage(stat: Array(text.utf8))?.busyTicks }

    @Test func `busy is all but idle, waiting for disks, and guests, which are in user and nice already`() {
        let page = """
            cpu  100000 20000 3000 9999999 8888888 400 50 6 7777777 6666666
            cpu0 1 1 1 1 1 1 1 1 1 1
            intr 12 34
            """
        #expect(busy(page) == 123_456)
        #expect(busy("cpu  1 2 3 4 5 6 7 8") == 27)
    }

    @Test(arguments: [
        "", "\n", "cpu", "cpu 1 2 3 4 5 6 7", "cpu0 1 2 3 4 5 6 7 8 9 10", "cpu 1 2 x 4 5 6 7 8 9 10", "cpu 1 -2 3 4 5 6 7 8",
    ])
    func `what is no stat of a machine tells nothing`(_ text: String) {
        #expect(busy(text) == nil)
    }

    @Test func `between two looks are seconds, never fewer than none`() throws {
        let before = try #require(MachineUsage(stat: Array("cpu 0 0 100 0 0 0 0 0".utf8)))
        let after = try #require(MachineUsage(stat: Array("cpu 0 0 250 0 0 0 0 0".utf8)))
        #expect(after.seconds(since: before) == 1.5)
        #expect(before.seconds(since: after) == 0)
    }

    #if os(Linux)
    @Test func `this machine tells`() throws {
        let usage = try #require(MachineUsage.read())
        #expect(usage.busyTicks > 0)
    }
    #endif
}

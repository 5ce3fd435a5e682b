import Testing

@testable import websocket_gateway

@Suite("A synthetic engine's run under its clients' commands")
struct RunControlTests {
    private let control = RunControl()

    @Test func `nothing is in the way of a run that nobody asked to stop`() async {
        let before = ContinuousClock.now
        guard case .at(let time) = await control.mayGoOn() else { return #expect(Bool(false)) }
        #expect(time >= before)
    }

    @Test func `a paused run waits until it is resumed`() async {
        let control = control
        #expect(control.pause())
        #expect(!control.pause())
        #expect(control.isPaused)
        let run = Task { await control.mayGoOn() }
        for _ in 0..<100 { await Task.yield() }
        control.resume()
        #expect(await run.value != .stopped)
        control.resume()
        #expect(!control.isPaused)
    }

    @Test(arguments: [true, false])
    func `a stop ends a run, paused or not, and the next one begins anew`(isPaused: Bool) async {
        let control = control
        if isPaused { #expect(control.pause()) }
        let run = Task { await control.mayGoOn() }
        #expect(control.stop())
        #expect(!control.stop())
        _ = await run.value
        #expect(await control.mayGoOn() == .stopped)
        #expect(!control.pause())
        control.beginRun()
        #expect(await control.mayGoOn() != .stopped)
    }

    @Test func `a cancelled run does not wait`() async {
        let control = control
        #expect(control.pause())
        let run = Task { await control.mayGoOn() }
        run.cancel()
        #expect(await run.value == .stopped)
    }
}

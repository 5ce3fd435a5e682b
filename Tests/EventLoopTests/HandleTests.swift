import EventLoop
import Testing

@Suite("Handles")
struct HandleTests {
    @Test func `five hundred connections leave no descriptor and no handle behind`() async {
        // In a process of its own: other tests open descriptors too.
        await #expect(processExitsWith: .success) {
            let loop = try EventLoop()
            let service = try Service(loop) { stream, recorder in
                recorder.onEnd = { $0.close() }
                stream.startReading()
            }
            _ = loop.runOnce()
            let (descriptors, sockets, handles) = (ProcessResources.openDescriptors, openSockets(), loop.activeHandles)
            for round in 0..<500 {
                let client = RawClient(port: service.port)!
                // Every way to end: the peer's FIN, its RST, and our own close.
                switch round % 3 {
                case 0: client.close()
                case 1: client.reset()
                default:
                    _ = service.accept(round + 1)
                    service.streams[round].close()
                    client.close()
                }
                let accepted = service.accept(round + 1)
                let closed = accepted && loop.turn { service.streams[round].isClosed }
                try #require(closed, "round \(round): accepted \(accepted)")
            }
            loop.runOnce()
            #expect(openSockets() == sockets)
            // Swift's own runtime opens a timer or two meanwhile.
            #expect(ProcessResources.openDescriptors <= descriptors + 5)
            #expect(loop.activeHandles == handles)
            let ended = service.end()
            #expect(ended)
        }
    }

    @Test func `a loop released with open handles says so`() async {
        await #expect(processExitsWith: .failure) {
            let loop = try EventLoop()
            LoopTimer(loop) {}.start(delay: 1000)
        }
    }
}

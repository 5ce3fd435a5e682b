import EventLoop

/// SIGTERM, SIGINT and SIGHUP as a stream. Its thread lives as long as the process.
struct SignalStream: Sendable {
    let stream: AsyncStream<Int32>

    init() throws(SystemError) {
        let (stream, continuation) = AsyncStream<Int32>.makeStream()
        self.stream = stream
        try LoopThread {
            do throws(SystemError) {
                let loop = try EventLoop()
                for signal in [SignalSource.terminate, SignalSource.interrupt, SignalSource.hangup] {
                    _ = try SignalSource(loop, signal: signal) { continuation.yield(signal) }
                }
                loop.run()
            } catch {
                FailedStart.tell("cannot watch for signals: \(error)")
            }
        }.detach()
    }
}

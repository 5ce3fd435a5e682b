import EventLoop

/// SIGTERM, SIGINT and SIGHUP as a stream. Its thread lives as long as the process.
struct SignalStream: Sendable {
    let stream: AsyncStream<Int32>

    /// Returns when the signals are watched: one that comes before would end the process on the spot, after it had said that it is ready.
    init() async throws(SystemError) {
        let (stream, continuation) = AsyncStream<Int32>.makeStream()
        self.stream = stream
        let watched: Result<Void, SystemError> = await withCheckedContinuation { started in
            do throws(SystemError) {
                try LoopThread {
                    do throws(SystemError) {
                        let loop = try EventLoop()
                        for signal in [SignalSource.terminate, SignalSource.interrupt, SignalSource.hangup] {
                            _ = try SignalSource(loop, signal: signal) { continuation.yield(signal) }
                        }
                        started.resume(returning: .success(()))
                        loop.run()
                    } catch {
                        started.resume(returning: .failure(error))
                    }
                }.detach()
            } catch {
                started.resume(returning: .failure(error))
            }
        }
        try watched.get()
    }
}

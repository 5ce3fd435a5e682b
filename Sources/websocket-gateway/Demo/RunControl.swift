import EventLoop

/// Whether a synthetic engine's run goes on, as its clients' commands say. Asked by the run before each step.
final class RunControl: Sendable {
    enum GoOn: Equatable {
        /// Not before this time, at which a pause has ended or nothing was in the way.
        case at(ContinuousClock.Instant)
        case stopped
    }

    private enum State {
        case running
        /// And the run, where it waits for the pause to end.
        case paused(CheckedContinuation<Void, Never>?)
        case stopped
    }

    private let state = Locked(State.running)

    var isPaused: Bool { state.withLock { if case .paused = $0 { true } else { false } } }

    /// False where nothing runs.
    func pause() -> Bool {
        state.withLock { state in
            guard case .running = state else { return false }
            state = .paused(nil)
            return true
        }
    }

    func resume() { change(to: .running) { if case .paused = $0 { true } else { false } } }

    /// Ends the run, paused or not; false where it is stopped already.
    @discardableResult
    func stop() -> Bool { change(to: .stopped) { if case .stopped = $0 { false } else { true } } }

    /// The next run begins as if nothing had been said.
    func beginRun() { change(to: .running) { _ in true } }

    @discardableResult
    private func change(to next: State, where applies: (State) -> Bool) -> Bool {
        let (isChanged, waiting) = state.withLock { state -> (Bool, CheckedContinuation<Void, Never>?) in
            guard applies(state) else { return (false, nil) }
            var waiting: CheckedContinuation<Void, Never>?
            if case .paused(let continuation) = state { waiting = continuation }
            state = next
            return (true, waiting)
        }
        waiting?.resume()
        return isChanged
    }

    /// Waits while paused, until it is resumed, stopped, or the task cancelled.
    func mayGoOn() async -> GoOn {
        while isPaused {
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    let isWaiting = state.withLock { state in
                        guard case .paused = state, !Task.isCancelled else { return false }
                        state = .paused(continuation)
                        return true
                    }
                    if !isWaiting { continuation.resume() }
                }
            } onCancel: {
                stop()
            }
        }
        return state.withLock { state in if case .stopped = state { .stopped } else { .at(.now) } }
    }
}

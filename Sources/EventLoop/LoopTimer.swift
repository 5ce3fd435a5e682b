internal import CLibuv

/// A timer of one loop. Retained by the loop from `start` to `close`.
@safe
package final class LoopTimer {
    private let handle: UnsafeMutablePointer<uv_timer_t>
    private let fire: () -> Void
    private var isClosed = false

    package init(_ loop: EventLoop, fire: @escaping () -> Void) {
        unsafe handle = .allocate(capacity: 1)
        self.fire = fire
        unsafe uv_timer_init(loop.pointer, handle)
        unsafe handle.pointee.data = Unmanaged.passRetained(self).toOpaque()
    }

    /// Fires after `delay` milliseconds, then every `every` milliseconds (0: once). Restarts when already running.
    package func start(delay: UInt64, every interval: UInt64 = 0) {
        precondition(!isClosed, "a closed timer was started")
        unsafe uv_timer_start(
            handle,
            { handle in unsafe Unmanaged<LoopTimer>.fromOpaque(handle!.pointee.data).takeUnretainedValue().fire() },
            delay, interval)
    }

    package func stop() {
        guard !isClosed else { return }
        unsafe uv_timer_stop(handle)
    }

    /// Ends the timer; it never fires again. Idempotent.
    package func close() {
        guard !isClosed else { return }
        isClosed = true
        unsafe Handle.close(handle)
    }
}

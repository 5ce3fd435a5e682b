internal import CLibuv

/// One libuv loop, owned by the thread that runs it.
///
/// Every handle below belongs to one loop and is touched on its thread only; the single door from other threads is ``Mailbox``.
/// The loop's work comes in turns: timers, then the end-of-turn hook, then waiting for sockets and calling their handlers, then the hook again.
@safe
package final class EventLoop {
    let pointer: UnsafeMutablePointer<uv_loop_t>
    private let prepare: UnsafeMutablePointer<uv_prepare_t>
    private let check: UnsafeMutablePointer<uv_check_t>

    /// Every read of the loop lands here: an idle connection owns no buffer. 64 KiB, what a socket's receive queue usually holds at most.
    let readBuffer: UnsafeMutableBufferPointer<UInt8>
    static let readBufferBytes = 65_536

    /// Called twice a turn, before waiting (for what timers made) and after (for what sockets made): libuv runs timers before it polls,
    /// and what they queue must not wait for the next input.
    #if !DEBUG
    @safe @exclusivity(unchecked)
    #endif
    package var atEndOfTurn: (() -> Void)?

    #if !DEBUG
    @safe @exclusivity(unchecked)
    #endif
    var pollHandles: PollHandles

    /// What is known of the turns so far.
    private struct Turns {
        var completed: UInt64 = 0
        var idleNanoseconds: UInt64 = 0
        var startedAt: UInt64 = 0
        var busyNanoseconds: UInt64 = 0
    }
    // Behind computed properties: the attribute is lost where another module reads a stored one.
    #if !DEBUG
    @safe @exclusivity(unchecked)
    #endif
    private var turns = Turns()

    /// Turns completed since the loop began.
    package var turnsCompleted: UInt64 { turns.completed }
    /// When this turn began, in monotonic nanoseconds.
    package var turnStartedAt: UInt64 { turns.startedAt }
    /// Time the last whole turn was busy, that is, not waiting for input, in nanoseconds.
    package var busyNanoseconds: UInt64 { turns.busyNanoseconds }

    package init() throws(SystemError) {
        unsafe pointer = .allocate(capacity: 1)
        unsafe pollHandles = PollHandles(pointer)
        unsafe prepare = .allocate(capacity: 1)
        unsafe check = .allocate(capacity: 1)
        unsafe readBuffer = .allocate(capacity: Self.readBufferBytes)
        unsafe readBuffer.initialize(repeating: 0)
        try unsafe SystemError.check(uv_loop_init(pointer), "create an event loop")
        unsafe wsg_loop_measure_idle_time(pointer)
        unsafe uv_prepare_init(pointer, prepare)
        unsafe uv_check_init(pointer, check)
        unsafe prepare.pointee.data = Unmanaged.passUnretained(self).toOpaque()
        unsafe check.pointee.data = Unmanaged.passUnretained(self).toOpaque()
        // Both are called while this runs the loop, and so is here.
        unsafe uv_prepare_start(prepare) { handle in
            unsafe Unmanaged<EventLoop>.fromOpaque(handle!.pointee.data)._withUnsafeGuaranteedRef { $0.atEndOfTurn?() }
        }
        unsafe uv_check_start(check) { handle in
            unsafe Unmanaged<EventLoop>.fromOpaque(handle!.pointee.data)._withUnsafeGuaranteedRef { $0.afterPoll() }
        }
        // The loop lives as long as something else does.
        unsafe uv_unref(UnsafeMutableRawPointer(prepare).assumingMemoryBound(to: uv_handle_t.self))
        unsafe uv_unref(UnsafeMutableRawPointer(check).assumingMemoryBound(to: uv_handle_t.self))
    }

    /// The owner has run the loop to its end: every handle is closed but those kept for sockets to come.
    deinit {
        pollHandles.closeAll()
        unsafe uv_close(UnsafeMutableRawPointer(prepare).assumingMemoryBound(to: uv_handle_t.self), nil)
        unsafe uv_close(UnsafeMutableRawPointer(check).assumingMemoryBound(to: uv_handle_t.self), nil)
        unsafe uv_run(pointer, UV_RUN_NOWAIT)
        let status = unsafe uv_loop_close(pointer)
        precondition(status == 0, "an event loop was released with open handles")
        unsafe prepare.deallocate()
        unsafe check.deallocate()
        unsafe readBuffer.deallocate()
        unsafe pointer.deallocate()
    }

    /// Runs until no active handle is left.
    package func run() {
        turns.startedAt = uv_hrtime()
        unsafe uv_run(pointer, UV_RUN_DEFAULT)
    }

    /// Runs one turn without waiting; true while active handles are left.
    @discardableResult
    package func runOnce() -> Bool { unsafe uv_run(pointer, UV_RUN_NOWAIT) != 0 }

    /// The loop's clock at the start of this turn: milliseconds from an arbitrary point, monotonic.
    package var nowMilliseconds: UInt64 { unsafe uv_now(pointer) }

    /// Handles that keep the loop running, for leak tests.
    package var activeHandles: Int { unsafe Int(pointer.pointee.active_handles) }

    private func afterPoll() {
        atEndOfTurn?()
        let now = uv_hrtime()
        let idle = unsafe uv_metrics_idle_time(pointer)
        let turn = now &- turns.startedAt
        let waited = idle &- turns.idleNanoseconds
        turns = Turns(
            completed: turns.completed &+ 1, idleNanoseconds: idle, startedAt: now, busyNanoseconds: turn > waited ? turn - waited : 0)
        onTurn?()
    }

    /// Called after each turn, once ``busyNanoseconds`` is known.
    #if !DEBUG
    @safe @exclusivity(unchecked)
    #endif
    package var onTurn: (() -> Void)?
}

/// The machine's monotonic and wall clocks. Callers pass the values on; nothing pure reads them.
package enum Clocks {
    package static var monotonicNanoseconds: UInt64 { uv_hrtime() }

    package static var wallMicroseconds: Int64 {
        var time = uv_timeval64_t()
        guard unsafe uv_gettimeofday(&time) == 0 else { return 0 }
        return time.tv_sec &* 1_000_000 &+ Int64(time.tv_usec)
    }
}

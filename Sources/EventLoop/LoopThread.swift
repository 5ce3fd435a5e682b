internal import CLibuv

/// A thread that runs one loop from beginning to end.
@safe
package struct LoopThread: @unchecked Sendable {
    // @unchecked: an opaque thread id, written once before anyone reads it.
    private let thread: uv_thread_t

    private final class Body {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    /// Starts `body` on a new thread.
    package init(_ body: @escaping @Sendable () -> Void) throws(SystemError) {
        var thread = uv_thread_t()
        let argument = unsafe Unmanaged.passRetained(Body(body))
        let status = unsafe uv_thread_create(
            &thread, { unsafe Unmanaged<Body>.fromOpaque($0!).takeRetainedValue().run() }, argument.toOpaque())
        if status < 0 { unsafe argument.release() }
        try SystemError.check(status, "start a thread")
        self.thread = thread
    }

    /// Waits for the thread's end.
    package func join() {
        var thread = thread
        unsafe uv_thread_join(&thread)
    }

    /// Lets the thread end by itself; it cannot be joined any more.
    package func detach() { pthread_detach(thread) }

    /// Identifies the calling thread, for assertions.
    package static var currentID: UInt {
        #if os(Linux)
        UInt(pthread_self())
        #else
        UInt(bitPattern: pthread_self())
        #endif
    }
}

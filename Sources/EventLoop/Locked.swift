internal import CLibuv

/// A value behind a lock, for what threads really share. Hold it briefly, and never across a call that may take another.
///
/// libuv's mutex and not `Synchronization.Mutex`: ThreadSanitizer does not see the latter's lock on Linux and would report every use as a race,
/// and a list of exceptions would hide the real ones.
///
/// `@unchecked Sendable`: the value is only reached inside `withLock`.
@safe
package final class Locked<Value>: @unchecked Sendable {
    private let mutex: UnsafeMutablePointer<uv_mutex_t>
    private var value: Value

    package init(_ value: sending Value) {
        self.value = value
        unsafe mutex = .allocate(capacity: 1)
        let status = unsafe uv_mutex_init(mutex)
        precondition(status == 0, "a mutex could not be made: the machine is out of memory")
    }

    deinit {
        unsafe uv_mutex_destroy(mutex)
        unsafe mutex.deallocate()
    }

    package func withLock<Result, Failure: Error>(_ body: (inout sending Value) throws(Failure) -> sending Result) throws(Failure)
        -> sending Result
    {
        unsafe uv_mutex_lock(mutex)
        defer { unsafe uv_mutex_unlock(mutex) }
        return try body(&value)
    }
}

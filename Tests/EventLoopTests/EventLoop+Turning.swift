import EventLoop
import Glibc

extension EventLoop {
    /// Turns until `isDone`, for at most `seconds`; whether it was done in time.
    func turn(seconds: UInt64 = 20, until isDone: () -> Bool) -> Bool {
        let end = Clocks.monotonicNanoseconds + seconds * 1_000_000_000
        while !isDone() {
            guard Clocks.monotonicNanoseconds < end else { return false }
            runOnce()
            sched_yield()
        }
        return true
    }

    /// Turns until every handle is closed and freed, as the owner must before it lets go of the loop.
    func turnToEnd() -> Bool { turn { activeHandles == 0 && !runOnce() } }
}

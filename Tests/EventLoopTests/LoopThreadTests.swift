import EventLoop
import Synchronization
import Testing

@Suite("Threads")
struct LoopThreadTests {
    @Test func `a thread runs its body once, elsewhere, and is joined after it`() throws {
        let ran = Atomic<Int>(0)
        let id = Locked<UInt>(0)
        let thread = try LoopThread {
            id.withLock { $0 = LoopThread.currentID }
            ran.add(1, ordering: .relaxed)
        }
        thread.join()
        #expect(ran.load(ordering: .relaxed) == 1)
        #expect(id.withLock { $0 } != LoopThread.currentID)
    }

    @Test func `what the body holds is let go of at its end`() throws {
        final class Cargo: Sendable {}
        weak var seen: Cargo?
        do {
            let cargo = Cargo()
            seen = cargo
            try LoopThread { [cargo] in _ = cargo }.join()
        }
        #expect(seen == nil)
    }
}

internal import CLibuv

/// The door between threads: many post, the loop's thread receives. Messages keep their order per sender, and what one thread posted
/// before another (by whatever order the two agree on) arrives before it.
///
/// `@unchecked Sendable`: everything mutable is inside `state`'s lock; `uv_async_send` is the one libuv call any thread may make, and is
/// made under that lock, because a send after the handle closed would touch freed memory.
@safe
package final class Mailbox<Message: Sendable>: @unchecked Sendable {
    private enum Phase { case waitingForLoop, open, closed }

    private struct State {
        var messages: [Message] = []
        var phase = Phase.waitingForLoop
    }

    private let state = Locked(State())
    private let handle: UnsafeMutablePointer<uv_async_t>

    package init() {
        unsafe handle = .allocate(capacity: 1)
    }

    deinit {
        if state.withLock({ $0.phase == .waitingForLoop }) { unsafe handle.deallocate() }
    }

    /// Opens the mailbox on its loop; `receive` gets every batch, on the loop's thread. Messages posted before come first.
    /// The mailbox stays alive until ``close()``. ECANCELED where it was closed unopened: nobody wants the loop any more.
    package func open(on loop: EventLoop, receive: @escaping ([Message]) -> Void) throws(SystemError) {
        let receiver = MailboxReceiver { [self] in
            let batch = take()
            if !batch.isEmpty { receive(batch) }
        }
        try state.withLock { state throws(SystemError) in
            guard state.phase == .waitingForLoop else { throw SystemError("create a wakeup", errno: ECANCELED) }
            try unsafe SystemError.check(
                uv_async_init(loop.pointer, handle) { handle in
                    unsafe Unmanaged<MailboxReceiver>.fromOpaque(handle!.pointee.data).takeUnretainedValue().receive()
                }, "create a wakeup")
            unsafe handle.pointee.data = Unmanaged.passRetained(receiver).toOpaque()
            state.phase = .open
            if !state.messages.isEmpty { unsafe uv_async_send(handle) }
        }
    }

    /// Adds a message and wakes the loop. False once the mailbox is closed: then nobody will receive it.
    @discardableResult
    package func post(_ message: Message) -> Bool {
        state.withLock { state in
            guard state.phase != .closed else { return false }
            let wasEmpty = state.messages.isEmpty
            state.messages.append(message)
            if wasEmpty, state.phase == .open { unsafe uv_async_send(handle) }
            return true
        }
    }

    /// Closes a mailbox that no loop ever opened, from any thread, and returns what is in it. Nothing for any other.
    package func closeUnopened() -> [Message] {
        state.withLock { state in
            guard state.phase == .waitingForLoop else { return [] }
            state.phase = .closed
            unsafe handle.deallocate()
            defer { state.messages = [] }
            return state.messages
        }
    }

    private func take() -> [Message] {
        state.withLock { state in
            let batch = state.messages
            state.messages = []
            return batch
        }
    }

    /// Closes an open mailbox, on the loop's thread, and returns what was still in it.
    package func close() -> [Message] {
        let rest = state.withLock { state in
            precondition(state.phase == .open, "a mailbox is closed once, after it was opened")
            state.phase = .closed
            let rest = state.messages
            state.messages = []
            return rest
        }
        unsafe Handle.close(handle)
        return rest
    }
}

/// What the async callback calls; libuv's handle retains it until it is closed. Apart from the mailbox because a C callback cannot be generic.
private final class MailboxReceiver {
    let receive: () -> Void
    init(receive: @escaping () -> Void) { self.receive = receive }
}

internal import CLibuv

/// Delivers one POSIX signal as a call on the loop. Dispatch signal sources in the same process would steal from it.
@safe
package final class SignalSource {
    private let handle: UnsafeMutablePointer<uv_signal_t>
    private let receive: () -> Void
    private var isClosed = false

    package static let terminate = SIGTERM
    package static let interrupt = SIGINT
    package static let hangup = SIGHUP

    package init(_ loop: EventLoop, signal: Int32, receive: @escaping () -> Void) throws(SystemError) {
        unsafe handle = .allocate(capacity: 1)
        self.receive = receive
        unsafe uv_signal_init(loop.pointer, handle)
        unsafe handle.pointee.data = Unmanaged.passRetained(self).toOpaque()
        let status = unsafe uv_signal_start(
            handle,
            { handle, _ in unsafe Unmanaged<SignalSource>.fromOpaque(handle!.pointee.data).takeUnretainedValue().receive() },
            signal)
        guard status >= 0 else {
            close()
            throw SystemError("watch for signal \(signal)", errno: -status)
        }
    }

    package func close() {
        guard !isClosed else { return }
        isClosed = true
        unsafe Handle.close(handle)
    }
}

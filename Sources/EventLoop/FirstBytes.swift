internal import CLibuv

/// A connection whose first bytes are read for themselves: so many, and not one more. What stands behind them waits in the kernel, for whoever gets the
/// descriptor next.
@safe
package final class FirstBytes {
    package enum Outcome: Equatable {
        case received
        /// Not yet: ``readable`` tells when.
        case nothing
        case ended
        case failed(SystemError)
    }

    private let descriptor: Int32
    private let handle: UnsafeMutablePointer<uv_poll_t>
    private let loop: EventLoop
    private let readable: () -> Void
    private var isBroken = false
    private var isOver = false

    /// Takes over a connected, non-blocking descriptor. Closes it when it throws. `readable` is called on the loop's thread while there is something to
    /// be received, an end and a failure too.
    package init(_ loop: EventLoop, descriptor: Int32, readable: @escaping () -> Void) throws(SystemError) {
        self.loop = loop
        self.descriptor = descriptor
        self.readable = readable
        do throws(SystemError) {
            unsafe handle = try loop.pollHandles.take(descriptor)
        } catch {
            CLibuv.close(descriptor)
            throw error
        }
        unsafe handle.pointee.data = Unmanaged.passRetained(self).toOpaque()
        unsafe uv_poll_start(handle, Int32(UV_READABLE.rawValue)) { handle, status, _ in
            let socket = unsafe Unmanaged<FirstBytes>.fromOpaque(handle!.pointee.data).takeUnretainedValue()
            // libuv reports POLLERR as EBADF and stops watching.
            if status < 0 { socket.isBroken = true }
            socket.readable()
        }
    }

    /// Gives what is there to `take`, `max` bytes at the most, at least 1. The span is the loop's shared read buffer: valid during the call only.
    package func receive(max: Int, _ take: (Span<UInt8>) -> Void) -> Outcome {
        let buffer = unsafe loop.readBuffer
        let count = unsafe recv(descriptor, buffer.baseAddress, min(max, buffer.count), 0)
        if count > 0 {
            let bytes = unsafe UnsafeBufferPointer(start: buffer.baseAddress, count: count)
            unsafe take(bytes.span)
            return .received
        }
        if count == 0 { return .ended }
        let error = SystemError.currentErrno
        if error == EAGAIN || error == EINTR, !isBroken { return .nothing }
        return .failed(SystemError("receive", errno: error))
    }

    /// Lets go of the descriptor, open as it is.
    package func letGo() -> Int32 {
        precondition(!isOver, "a descriptor is let go of once")
        isOver = true
        unsafe loop.pollHandles.giveBack(handle, of: descriptor)
        // What libuv's handle held. Whoever calls this holds another.
        unsafe Unmanaged.passUnretained(self).release()
        return descriptor
    }

    /// Closes the socket. Idempotent.
    package func close() {
        guard !isOver else { return }
        let descriptor = letGo()
        CLibuv.close(descriptor)
    }
}

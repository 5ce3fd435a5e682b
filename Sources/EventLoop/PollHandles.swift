internal import CLibuv

/// The poll handles of one loop, each kept for the next socket that gets its descriptor's number.
///
/// `uv_poll_init` tries every descriptor in the kernel's poll set and makes it non-blocking once more: three calls to the kernel of each
/// connection's eight. The number is all that a handle knows of its socket, and the kernel gives the lowest free number again, so a handle is
/// initialized once for each number that the loop sees. It is kept until the loop ends: 176 bytes.
@safe
struct PollHandles: ~Copyable {
    private let loop: UnsafeMutablePointer<uv_loop_t>
    /// By descriptor.
    private var idle: [UnsafeMutablePointer<uv_poll_t>?] = unsafe []

    init(_ loop: UnsafeMutablePointer<uv_loop_t>) { unsafe self.loop = loop }

    /// A handle of a non-blocking descriptor that nothing on this loop watches.
    mutating func take(_ descriptor: Int32) throws(SystemError) -> UnsafeMutablePointer<uv_poll_t> {
        let index = Int(descriptor)
        if unsafe idle.indices.contains(index), let handle = unsafe idle[index] {
            unsafe idle[index] = nil
            return unsafe handle
        }
        let handle = UnsafeMutablePointer<uv_poll_t>.allocate(capacity: 1)
        let status = unsafe uv_poll_init(loop, handle, descriptor)
        guard status >= 0 else {
            unsafe handle.deallocate()
            throw SystemError("watch a socket", errno: -status)
        }
        return unsafe handle
    }

    /// Stops watching, and forgets what the poll that is being served still tells of the socket: its descriptor may be closed then.
    mutating func giveBack(_ handle: UnsafeMutablePointer<uv_poll_t>, of descriptor: Int32) {
        unsafe uv_poll_stop(handle)
        unsafe handle.pointee.data = nil
        let index = Int(descriptor)
        while unsafe (idle.count <= index) { unsafe idle.append(nil) }
        unsafe idle[index] = handle
    }

    /// The loop ends: it frees them with its next turn.
    mutating func closeAll() {
        for index in unsafe idle.indices {
            guard let handle = unsafe idle[index] else { continue }
            unsafe uv_close(UnsafeMutableRawPointer(handle).assumingMemoryBound(to: uv_handle_t.self)) { handle in
                unsafe UnsafeMutableRawPointer(handle)?.deallocate()
            }
        }
        unsafe idle = []
    }
}

internal import CLibuv

/// Closes a libuv handle once and frees its memory in the close callback, the only place libuv allows it.
///
/// Each handle class retains itself through `data` while libuv knows it; closing gives that reference back. Streams do the same by themselves: their
/// handles are not closed but kept (`PollHandles`).
enum Handle {
    static func close<T>(_ handle: UnsafeMutablePointer<T>) {
        unsafe uv_close(UnsafeMutableRawPointer(handle).assumingMemoryBound(to: uv_handle_t.self)) { handle in
            guard let handle = unsafe handle else { return }
            unsafe Unmanaged<AnyObject>.fromOpaque(handle.pointee.data).release()
            unsafe UnsafeMutableRawPointer(handle).deallocate()
        }
    }
}

internal import CLibuv

/// The file of a Unix-domain socket that this process listens on. It is its owner's alone (mode 0600): whoever can open it gets in.
///
/// The kernel does not remove it when the socket closes: ``remove()`` does, and where a process ended without it the next one takes its place.
@safe
package final class UnixSocketFile: Sendable {
    private let path: UnixPath
    /// The socket itself, once more: as long as it is open, no other file has its number.
    private let descriptor: Int32
    private let device: UInt64
    private let number: UInt64

    /// Between looking at the file and putting another in its place nobody else may do the same; whoever holds the directory's lock for longer is no gateway.
    private static let lockMilliseconds: UInt32 = 2000

    /// Listens on `path`, with `count` descriptors of one socket: whichever loop is free first takes the next connection.
    ///
    /// A socket that nobody listens on any more is replaced. One that somebody answers on is refused as in use (EADDRINUSE), and what is no socket is left
    /// alone (ENOTSOCK).
    package static func bind(_ path: UnixPath, count: Int, backlog: Int32 = 4096) throws(SystemError) -> ([BoundSocket], UnixSocketFile) {
        let lock = try lockDirectory(of: path, waitingMilliseconds: lockMilliseconds)
        defer { close(lock) }
        try clear(path)
        var descriptors = [try SystemError.checkPOSIX(wsg_stream_socket(AF_UNIX), "create a socket")]
        do throws(SystemError) {
            let file = try create(path, descriptors[0], backlog)
            while descriptors.count < count {
                descriptors.append(try SystemError.checkPOSIX(wsg_duplicate(descriptors[0]), "duplicate a socket"))
            }
            return (descriptors.map { BoundSocket(descriptor: $0, address: .unix, sharesQueue: count > 1) }, file)
        } catch {
            for descriptor in descriptors { close(descriptor) }
            throw error
        }
    }

    private static func create(_ path: UnixPath, _ descriptor: Int32, _ backlog: Int32) throws(SystemError) -> UnixSocketFile {
        #if os(Linux)
        // A socket's file is made with its socket's mode, so that it is at no time another's; the process's umask is not ours to change.
        try SystemError.checkPOSIX(fchmod(descriptor, 0o600), "make \(path) its owner's alone")
        #endif
        let bound = unsafe path.withSockaddr { address, length in unsafe CLibuv.bind(descriptor, address, length) }
        try SystemError.checkPOSIX(bound, "bind \(path)")
        do throws(SystemError) {
            #if !os(Linux)
            // Nobody can connect before it listens.
            try unsafe SystemError.checkPOSIX(chmod(path.path, 0o600), "make \(path) its owner's alone")
            #endif
            let pin = try SystemError.checkPOSIX(wsg_duplicate(descriptor), "duplicate a socket")
            do throws(SystemError) {
                var status = stat()
                try unsafe SystemError.checkPOSIX(lstat(path.path, &status), "look at \(path)")
                try SystemError.checkPOSIX(listen(descriptor, backlog), "listen on \(path)")
                return UnixSocketFile(path, pin, status)
            } catch {
                close(pin)
                throw error
            }
        } catch {
            unsafe unlink(path.path)
            throw error
        }
    }

    private init(_ path: UnixPath, _ descriptor: Int32, _ status: stat) {
        self.path = path
        self.descriptor = descriptor
        device = UInt64(truncatingIfNeeded: status.st_dev)
        number = UInt64(truncatingIfNeeded: status.st_ino)
    }

    deinit { close(descriptor) }

    /// Removes the file, unless another has taken its place. Once, when the socket is no longer listened on.
    package func remove() {
        // Who holds the lock may be putting another there; a file that stays is replaced by the next who wants it.
        guard let lock = try? Self.lockDirectory(of: path, waitingMilliseconds: 0) else { return }
        defer { close(lock) }
        var status = stat()
        guard unsafe lstat(path.path, &status) == 0, UInt64(truncatingIfNeeded: status.st_dev) == device,
            UInt64(truncatingIfNeeded: status.st_ino) == number
        else { return }
        unsafe unlink(path.path)
    }

    /// Makes room for a new socket, where what is there is one that nobody listens on.
    private static func clear(_ path: UnixPath) throws(SystemError) {
        var status = stat()
        guard unsafe lstat(path.path, &status) == 0 else {
            guard SystemError.currentErrno == ENOENT else { throw SystemError("look at \(path)", errno: SystemError.currentErrno) }
            return
        }
        guard unsafe wsg_is_socket(&status) != 0 else { throw SystemError("listen on \(path)", errno: ENOTSOCK) }
        let probe = try SystemError.checkPOSIX(wsg_stream_socket(AF_UNIX), "create a socket")
        defer { close(probe) }
        let connected = unsafe path.withSockaddr { address, length in unsafe connect(probe, address, length) }
        // EAGAIN: there are more who want to connect than it takes.
        guard connected < 0, SystemError.currentErrno != EAGAIN else { throw SystemError("listen on \(path)", errno: EADDRINUSE) }
        switch SystemError.currentErrno {
        case ENOENT: return
        case ECONNREFUSED: try unsafe SystemError.checkPOSIX(unlink(path.path), "remove the socket \(path) of a process that has ended")
        case let error: throw SystemError("connect to \(path), to see whether somebody listens", errno: error)
        }
    }

    /// By its directory, which leaves no file behind: the lock ends when the descriptor is closed.
    private static func lockDirectory(of path: UnixPath, waitingMilliseconds: UInt32) throws(SystemError) -> Int32 {
        let directory = path.directory
        let descriptor = try unsafe SystemError.checkPOSIX(wsg_open_directory(directory), "open the directory \(directory)")
        var waited: UInt32 = 0
        while flock(descriptor, LOCK_EX | LOCK_NB) < 0 {
            let error = SystemError.currentErrno
            guard error == EWOULDBLOCK || error == EINTR, waited < waitingMilliseconds else {
                close(descriptor)
                throw SystemError("lock the directory \(directory)", errno: error)
            }
            uv_sleep(10)
            waited += 10
        }
        return descriptor
    }
}

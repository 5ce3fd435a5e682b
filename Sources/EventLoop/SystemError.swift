internal import CLibuv

/// A refusal by the operating system or libuv: what was tried, and the world's answer. Never the peer's fault, never ours.
package struct SystemError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What was tried, as a verb phrase: "bind 127.0.0.1:8080".
    package let operation: String
    /// The positive errno value.
    package let errno: Int32

    package init(_ operation: String, errno: Int32) {
        self.operation = operation
        self.errno = errno
    }

    package var description: String { "\(operation): \(reason)" }

    /// The system's own words for `errno`: "address already in use".
    package var reason: String { unsafe String(cString: uv_strerror(-errno)) }

    package var isAddressInUse: Bool { errno == EADDRINUSE }

    /// Something else than a socket is where one should be.
    package var isNotSocket: Bool { errno == ENOTSOCK }

    /// The peer, or something between, says that there is no such connection.
    package var isConnectionReset: Bool { errno == ECONNRESET }

    /// The peer has not answered for as long as the kernel waits.
    package var isTimedOut: Bool { errno == ETIMEDOUT }

    /// No such file, or, of one in /proc that was there when it was opened, no such process.
    package var isNotFound: Bool { errno == ENOENT || errno == ESRCH }

    /// Throws for libuv's negative answers, returns the others.
    @discardableResult
    static func check(_ status: Int32, _ operation: @autoclosure () -> String) throws(SystemError) -> Int32 {
        guard status < 0 else { return status }
        throw SystemError(operation(), errno: -status)
    }

    /// Throws for POSIX's -1, with the calling thread's errno.
    @discardableResult
    static func checkPOSIX(_ result: Int32, _ operation: @autoclosure () -> String) throws(SystemError) -> Int32 {
        guard result < 0 else { return result }
        throw SystemError(operation(), errno: currentErrno)
    }

    static var currentErrno: Int32 { wsg_errno() }
}

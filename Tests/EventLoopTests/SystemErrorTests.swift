import Glibc
import Testing

@testable import EventLoop

@Suite("System errors")
struct SystemErrorTests {
    @Test func `an error says what was tried and the system's answer`() {
        let error = SystemError("bind 127.0.0.1:8080", errno: EADDRINUSE)
        #expect(error.description == "bind 127.0.0.1:8080: address already in use")
        #expect(error.isAddressInUse)
        #expect(!SystemError("read", errno: ENOENT).isAddressInUse)
        #expect(SystemError("read", errno: ECONNRESET).isConnectionReset && !SystemError("read", errno: ETIMEDOUT).isConnectionReset)
        #expect(SystemError("read", errno: ETIMEDOUT).isTimedOut && !error.isTimedOut)
    }

    @Test func `libuv's negative answers and POSIX's -1 are thrown, others returned`() throws {
        #expect(try SystemError.check(3, "x") == 3)
        #expect(throws: SystemError("x", errno: EINVAL)) { try SystemError.check(-EINVAL, "x") }
        #expect(try SystemError.checkPOSIX(0, "x") == 0)
        #expect(throws: SystemError("close", errno: EBADF)) { try SystemError.checkPOSIX(close(-1), "close") }
    }
}

import EventLoop
import Glibc
import Testing

@Suite("Why a client cannot connect")
struct SystemErrorConnectingTests {
    @Test(arguments: [ECONNREFUSED, EADDRNOTAVAIL, EMFILE, ENFILE, ETIMEDOUT])
    func `each reason is told apart`(errno: Int32) {
        let error = SystemError("connect", errno: errno)
        #expect(error.isConnectionRefused == (errno == ECONNREFUSED))
        #expect(error.isOutOfPorts == (errno == EADDRNOTAVAIL))
        #expect(error.isOutOfDescriptors == (errno == EMFILE || errno == ENFILE))
    }
}

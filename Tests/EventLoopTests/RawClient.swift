import Glibc

@testable import EventLoop

/// A plain blocking socket, as foreign to the code under test as a peer is. Every wait ends after a time-out.
final class RawClient: Sendable {
    let descriptor: Int32

    /// Connects to a port of 127.0.0.1; nil when nobody listens there.
    init?(port: UInt16, receiveBufferBytes: Int32? = nil, timeoutSeconds: Int = 20) {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        if var bytes = receiveBufferBytes {
            unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &bytes, socklen_t(MemoryLayout<Int32>.size))
        }
        var timeout = timeval(tv_sec: timeoutSeconds, tv_usec: 0)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        let result = unsafe RawSocket.withLoopback(port) { unsafe connect(descriptor, $0, $1) }
        guard result == 0 else {
            _ = Glibc.close(descriptor)
            return nil
        }
    }

    /// Connects to a Unix-domain socket; nil when nobody listens there.
    init?(path: UnixPath) {
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        let descriptor = descriptor
        guard unsafe path.withSockaddr({ unsafe connect(descriptor, $0, $1) }) == 0 else {
            _ = Glibc.close(descriptor)
            return nil
        }
    }

    /// Sends everything; false when the connection broke or the time-out came first.
    @discardableResult
    func send(_ bytes: [UInt8]) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = unsafe bytes.withUnsafeBytes {
                unsafe Glibc.send(descriptor, $0.baseAddress! + sent, $0.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }

    /// The next bytes; empty at the end of the stream, nil when the connection broke or nothing came in time.
    func receive(max: Int = 65_536) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: max)
        let count = unsafe bytes.withUnsafeMutableBytes { unsafe recv(descriptor, $0.baseAddress, $0.count, 0) }
        return count < 0 ? nil : Array(bytes[..<count])
    }

    /// Everything up to the end of the stream; nil when it does not end well.
    func receiveToEnd(max: Int = 65_536) -> [UInt8]? {
        var all: [UInt8] = []
        while let bytes = receive(max: max) {
            if bytes.isEmpty { return all }
            all += bytes
        }
        return nil
    }

    /// FIN: nothing more comes from here.
    func finishSending() { _ = shutdown(descriptor, Int32(SHUT_WR)) }

    func close() { _ = Glibc.close(descriptor) }

    /// RST: the connection is cut without a word.
    func reset() {
        var linger = linger(l_onoff: 1, l_linger: 0)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
        close()
    }
}

/// Somebody else's socket that holds a port.
struct RawSocket {
    let descriptor: Int32
    let port: UInt16

    /// Binds a port of 127.0.0.1 (0: the kernel's choice) and does not listen; nil when the port is taken.
    init?(port: UInt16 = 0, reusesAddress: Bool = false) {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        if reusesAddress { Self.switchOn(SO_REUSEADDR, of: descriptor) }
        let descriptor = descriptor
        guard unsafe Self.withLoopback(port, { unsafe bind(descriptor, $0, $1) }) == 0 else {
            _ = Glibc.close(descriptor)
            return nil
        }
        var name = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        _ = unsafe withUnsafeMutablePointer(to: &name) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe getsockname(descriptor, $0, &length) }
        }
        self.port = UInt16(bigEndian: name.sin_port)
    }

    func sharePort() { Self.switchOn(SO_REUSEPORT, of: descriptor) }

    func listens() -> Bool { listen(descriptor, 16) == 0 }

    func close() { _ = Glibc.close(descriptor) }

    private static func switchOn(_ option: Int32, of descriptor: Int32) {
        var on: Int32 = 1
        unsafe setsockopt(descriptor, SOL_SOCKET, option, &on, socklen_t(MemoryLayout<Int32>.size))
    }

    static func withLoopback<R>(_ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> R) -> R {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return unsafe withUnsafePointer(to: address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
    }
}

/// The process's open sockets. Exact where the count of all descriptors is not: Swift's runtime opens and closes some of its own meanwhile.
func openSockets() -> Int {
    (0..<4096).count { descriptor in
        var target = [CChar](repeating: 0, count: 16)
        let count = unsafe readlink("/proc/self/fd/\(descriptor)", &target, target.count)
        return count >= 7 && target.prefix(7).elementsEqual("socket:".utf8.map { CChar($0) })
    }
}

import EventLoop
import Glibc

/// A server on a port of 127.0.0.1 that answers every connection's request with the same bytes, whatever was asked.
final class CannedServer: Sendable {
    let port: UInt16
    private let listening: Int32
    private let thread: LoopThread
    private let heads: Locked<[String]>

    /// What it does once it has answered.
    enum Ending: Sendable {
        case closes
        /// Holds the connection, until the server ends.
        case holds
        /// Writes the bytes again and again, until the peer has gone.
        case repeats
    }

    init(_ answer: String, _ ending: Ending = .closes) throws {
        let listening = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(listening, $0, length) | listen(listening, 64) | getsockname(listening, $0, &length)
            }
        }
        precondition(status == 0, "no port")
        port = UInt16(bigEndian: address.sin_port)
        self.listening = listening
        let heads = Locked<[String]>([])
        self.heads = heads
        thread = try LoopThread { Self.run(listening, Array(answer.utf8), ending, heads) }
    }

    var url: String { "http://127.0.0.1:\(port)/jwks.json?tenant=1" }
    /// The heads of the requests that came.
    var requests: [String] { heads.withLock { $0 } }

    func stop() {
        shutdown(listening, Int32(SHUT_RDWR))
        thread.join()
        _ = close(listening)
    }

    private static func run(_ listening: Int32, _ answer: [UInt8], _ ending: Ending, _ heads: Locked<[String]>) {
        var held: [Int32] = []
        while true {
            let peer = accept(listening, nil, nil)
            guard peer >= 0 else { break }
            guard let head = head(peer) else {
                _ = close(peer)
                continue
            }
            heads.withLock { $0.append(head) }
            repeat { guard send(answer, peer) else { break } } while ending == .repeats
            if ending == .holds { held.append(peer) } else { _ = close(peer) }
        }
        for peer in held { _ = close(peer) }
    }

    private static func head(_ peer: Int32) -> String? {
        var head: [UInt8] = []
        var byte: UInt8 = 0
        while !head.suffix(4).elementsEqual("\r\n\r\n".utf8) {
            guard unsafe recv(peer, &byte, 1, 0) == 1 else { return nil }
            head.append(byte)
        }
        return String(decoding: head, as: UTF8.self)
    }

    private static func send(_ bytes: [UInt8], _ peer: Int32) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = unsafe bytes.withUnsafeBytes {
                unsafe Glibc.send(peer, $0.baseAddress! + sent, $0.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }
}

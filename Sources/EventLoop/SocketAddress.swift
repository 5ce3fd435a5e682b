internal import CLibuv

/// An IPv4 or IPv6 address with its port, kept as 16 bytes and compared as such. IPv4 is kept in its mapped form (`::ffff:a.b.c.d`). Or that of a peer
/// that has none: ``unix``.
package struct SocketAddress: Sendable, Hashable, CustomStringConvertible {
    package let high: UInt64
    package let low: UInt64
    package let port: UInt16
    /// A peer of a Unix-domain socket. No text and no packet says so, which is why it is not one of the addresses.
    package let isUnix: Bool

    package init(high: UInt64, low: UInt64, port: UInt16) { self.init(high: high, low: low, port: port, isUnix: false) }

    private init(high: UInt64, low: UInt64, port: UInt16, isUnix: Bool) {
        self.high = high
        self.low = low
        self.port = port
        self.isUnix = isUnix
    }

    /// Whoever is at the other end of a Unix-domain socket; in logs `unix`.
    package static let unix = SocketAddress(high: 0, low: 0, port: 0, isUnix: true)

    static let mappedPrefix: UInt64 = 0xffff_0000_0000

    package var isIPv4: Bool { high == 0 && low >> 32 == 0xffff }

    /// 127.0.0.0/8, ::1 and ``unix``: peers on this machine.
    package var isLoopback: Bool { isIPv4 ? low >> 24 & 0xff == 127 : high == 0 && (low == 1 || isUnix) }

    /// `0.0.0.0` or `::`: every interface.
    package var isWildcard: Bool { isIPv4 ? low == Self.mappedPrefix : high == 0 && low == 0 && !isUnix }

    /// The address without its port, as people write it: `127.0.0.1`, `2001:db8::1`.
    package var host: String {
        if isUnix { return "unix" }
        var bytes = [UInt8](repeating: 0, count: 16)
        for i in 0..<8 {
            bytes[i] = UInt8(truncatingIfNeeded: high >> (56 - 8 * i))
            bytes[8 + i] = UInt8(truncatingIfNeeded: low >> (56 - 8 * i))
        }
        return unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { text in
            let source = isIPv4 ? Array(bytes[12...]) : bytes
            guard unsafe uv_inet_ntop(isIPv4 ? AF_INET : AF_INET6, source, text.baseAddress, 64) == 0 else { return "?" }
            return unsafe String(cString: text.baseAddress!)
        }
    }

    package var description: String { isUnix ? host : isIPv4 ? "\(host):\(port)" : "[\(host)]:\(port)" }

    package func with(port: UInt16) -> SocketAddress { SocketAddress(high: high, low: low, port: port) }

    /// Parses a numeric IPv4 or IPv6 address without a port. Names are not looked up.
    package init?(host: some StringProtocol, port: UInt16 = 0) {
        var bytes = [UInt8](repeating: 0, count: 16)
        let text = String(host)
        if unsafe uv_inet_pton(AF_INET, text, &bytes) == 0 {
            let v4 = bytes[..<4].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            self.init(high: 0, low: Self.mappedPrefix | v4, port: port)
        } else if unsafe uv_inet_pton(AF_INET6, text, &bytes) == 0 {
            self.init(
                high: bytes[..<8].reduce(0) { $0 << 8 | UInt64($1) },
                low: bytes[8...].reduce(0) { $0 << 8 | UInt64($1) }, port: port)
        } else {
            return nil
        }
    }

    /// Parses `HOST:PORT` or `[HOST]:PORT`; `localhost` is 127.0.0.1. Port 0 lets the kernel choose.
    package init?(parsing text: String) {
        guard let colon = text.lastIndex(of: ":") else { return nil }
        let portText = text[text.index(after: colon)...]
        guard !portText.isEmpty, portText.utf8.allSatisfy({ (48...57).contains($0) }), let port = UInt16(portText) else { return nil }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            return nil
        }
        if host == "localhost" { host = "127.0.0.1" }
        self.init(host: host, port: port)
    }

    init(_ storage: borrowing sockaddr_storage) {
        let copy = copy storage
        guard Int32(copy.ss_family) != AF_UNIX else {
            self = .unix
            return
        }
        if Int32(copy.ss_family) == AF_INET6 {
            let v6 = unsafe withUnsafeBytes(of: copy) { unsafe $0.loadUnaligned(as: sockaddr_in6.self) }
            var bytes = [UInt8]()
            unsafe withUnsafeBytes(of: v6.sin6_addr) { unsafe bytes.append(contentsOf: $0) }
            self.init(
                high: bytes[..<8].reduce(0) { $0 << 8 | UInt64($1) },
                low: bytes[8...].reduce(0) { $0 << 8 | UInt64($1) },
                port: UInt16(bigEndian: v6.sin6_port))
        } else {
            let v4 = unsafe withUnsafeBytes(of: copy) { unsafe $0.loadUnaligned(as: sockaddr_in.self) }
            self.init(high: 0, low: Self.mappedPrefix | UInt64(UInt32(bigEndian: v4.sin_addr.s_addr)), port: UInt16(bigEndian: v4.sin_port))
        }
    }

    /// Calls `body` with the C form and its length.
    func withSockaddr<R>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> R) -> R {
        var storage = sockaddr_storage()
        let length: Int
        if isIPv4 {
            var v4 = sockaddr_in()
            v4.sin_family = sa_family_t(AF_INET)
            v4.sin_port = port.bigEndian
            v4.sin_addr.s_addr = UInt32(truncatingIfNeeded: low).bigEndian
            length = MemoryLayout<sockaddr_in>.size
            unsafe withUnsafeMutableBytes(of: &storage) { unsafe $0.storeBytes(of: v4, as: sockaddr_in.self) }
        } else {
            var v6 = sockaddr_in6()
            v6.sin6_family = sa_family_t(AF_INET6)
            v6.sin6_port = port.bigEndian
            unsafe withUnsafeMutableBytes(of: &v6.sin6_addr) {
                unsafe $0.storeBytes(of: high.bigEndian, as: UInt64.self)
                unsafe $0.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
            }
            length = MemoryLayout<sockaddr_in6>.size
            unsafe withUnsafeMutableBytes(of: &storage) { unsafe $0.storeBytes(of: v6, as: sockaddr_in6.self) }
        }
        return unsafe withUnsafePointer(to: storage) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe body($0, socklen_t(length)) }
        }
    }
}

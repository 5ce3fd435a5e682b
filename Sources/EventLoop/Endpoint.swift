internal import CLibuv

/// Where a stream socket listens, or connects to.
package enum Endpoint: Sendable, Hashable, CustomStringConvertible {
    case network(SocketAddress)
    case unix(UnixPath)

    static let unixPrefix = "unix:"

    /// Parses `HOST:PORT`, as ``SocketAddress`` does, or `unix:/PATH`. Nil where it is neither.
    package init?(parsing text: String) throws(UnixPath.Fault) {
        if text.hasPrefix(Self.unixPrefix) {
            self = .unix(try UnixPath(String(text.dropFirst(Self.unixPrefix.count))))
        } else if let address = SocketAddress(parsing: text) {
            self = .network(address)
        } else {
            return nil
        }
    }

    /// Whoever reaches it is on this machine.
    package var isLocal: Bool {
        switch self {
        case .network(let address): address.isLoopback
        case .unix: true
        }
    }

    package var description: String {
        switch self {
        case .network(let address): address.description
        case .unix(let path): path.description
        }
    }

    /// What a request to it says in `Host`. A path has no place there: curl says `localhost` too.
    package var host: String {
        switch self {
        case .network(let address): address.description
        case .unix: "localhost"
        }
    }

    var family: Int32 {
        switch self {
        case .network(let address): address.isIPv4 ? AF_INET : AF_INET6
        case .unix: AF_UNIX
        }
    }

    /// Calls `body` with the C form and its length.
    func withSockaddr<R>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> R) -> R {
        switch self {
        case .network(let address): unsafe address.withSockaddr(body)
        case .unix(let path): unsafe path.withSockaddr(body)
        }
    }
}

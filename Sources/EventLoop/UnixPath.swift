internal import CLibuv

/// Where in the file system a Unix-domain socket is (unix(7)): an absolute path, so that a gateway and its tools mean the same one wherever they run.
package struct UnixPath: Sendable, Hashable, CustomStringConvertible {
    package enum Fault: Error, Equatable, CustomStringConvertible {
        case notAbsolute(String)
        /// In bytes.
        case tooLong(Int)

        package var description: String {
            switch self {
            case .notAbsolute(let path): "\"unix:\(path)\" is not unix:/PATH, the absolute path of a socket"
            case .tooLong(let bytes): "the path is \(bytes) bytes long, and that of a Unix-domain socket is \(UnixPath.bytesMax) at most"
            }
        }
    }

    private static let pathOffset = MemoryLayout<sockaddr_un>.offset(of: \.sun_path)!

    /// 107 on Linux: `sun_path` with the zero at its end.
    package static let bytesMax = MemoryLayout<sockaddr_un>.size - pathOffset - 1

    package let path: String

    package init(_ path: String) throws(Fault) {
        guard path.hasPrefix("/"), !path.hasSuffix("/"), !path.utf8.contains(0) else { throw .notAbsolute(path) }
        guard path.utf8.count <= Self.bytesMax else { throw .tooLong(path.utf8.count) }
        self.path = path
    }

    package var description: String { "unix:\(path)" }

    /// What the file is in.
    var directory: String {
        let parent = path[..<path.lastIndex(of: "/")!]
        return parent.isEmpty ? "/" : String(parent)
    }

    /// Calls `body` with the C form and its length.
    func withSockaddr<R>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> R) -> R {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address) { unsafe $0[Self.pathOffset...].copyBytes(from: path.utf8) }
        return unsafe withUnsafePointer(to: address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }
}

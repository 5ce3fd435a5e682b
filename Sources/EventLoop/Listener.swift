internal import CLibuv

/// One listening stream socket on one loop. Accepts in batches by `accept4` on its own descriptor: libuv's accept hides descriptor exhaustion
/// from its caller and drops connections silently.
@safe
package final class Listener {
    /// The bound address, with the port the kernel chose.
    package let address: SocketAddress
    private let descriptor: Int32
    private let handle: UnsafeMutablePointer<uv_poll_t>
    private let accepted: (_ descriptor: Int32, _ peer: SocketAddress) -> Void
    private let refused: (SystemError) -> Void
    private let batchMax: Int
    private var isClosed = false

    /// Connections taken per turn at most, so that a connect storm cannot starve those already here. One where other loops take them from the same
    /// queue: the first to be told would have them all.
    static let batchMax = 64

    /// Listens on a descriptor made by ``bind(_:backlog:)``, and owns it from then on.
    /// - Parameters:
    ///   - accepted: gets each new connection's non-blocking descriptor and owns it.
    ///   - refused: told when accepting failed (EMFILE, ENFILE, ENOMEM); the listener has paused and ``resume()`` starts it again.
    package init(
        _ loop: EventLoop, _ bound: BoundSocket, accepted: @escaping (_ descriptor: Int32, _ peer: SocketAddress) -> Void,
        refused: @escaping (SystemError) -> Void
    ) throws(SystemError) {
        descriptor = bound.descriptor
        address = bound.address
        batchMax = bound.sharesQueue ? 1 : Self.batchMax
        self.accepted = accepted
        self.refused = refused
        unsafe handle = .allocate(capacity: 1)
        let status = unsafe uv_poll_init(loop.pointer, handle, descriptor)
        guard status >= 0 else {
            unsafe handle.deallocate()
            CLibuv.close(descriptor)
            throw SystemError("watch a listening socket", errno: -status)
        }
        unsafe handle.pointee.data = Unmanaged.passRetained(self).toOpaque()
        resume()
    }

    package func resume() {
        guard !isClosed else { return }
        unsafe uv_poll_start(handle, Int32(UV_READABLE.rawValue)) { handle, _, _ in
            let listener = unsafe Unmanaged<Listener>.fromOpaque(handle!.pointee.data).takeUnretainedValue()
            listener.acceptBatch(max: listener.batchMax)
        }
    }

    package func pause() {
        guard !isClosed else { return }
        unsafe uv_poll_stop(handle)
    }

    private func acceptBatch(max: Int) {
        for _ in 0..<max {
            guard !isClosed else { return }
            var storage = sockaddr_storage()
            var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
            let connection = unsafe withUnsafeMutablePointer(to: &storage) {
                unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe wsg_accept(descriptor, $0, &length) }
            }
            if connection >= 0 {
                accepted(connection, SocketAddress(storage))
                continue
            }
            switch SystemError.currentErrno {
            case EAGAIN: return
            // The peer left between its SYN and our accept: the next one may be fine.
            case EINTR, ECONNABORTED, EPROTO, EPERM: continue
            case let error:
                pause()
                return refused(SystemError("accept a connection", errno: error))
            }
        }
    }

    /// Takes what already waits in the accept queue, then closes. Idempotent.
    package func close() {
        guard !isClosed else { return }
        acceptBatch(max: 65_536)
        closeNow()
    }

    private func closeNow() {
        guard !isClosed else { return }
        isClosed = true
        unsafe uv_poll_stop(handle)
        unsafe Handle.close(handle)
        CLibuv.close(descriptor)
    }
}

/// A bound, listening socket that no loop watches yet; the listeners of several workers share one port.
package struct BoundSocket: Sendable {
    package let descriptor: Int32
    package let address: SocketAddress
    /// Other descriptors of the same socket are watched by other loops.
    package var sharesQueue = false

    /// Binds `count` sockets to one address, which the kernel then spreads connections over, and listens on all.
    ///
    /// With SO_REUSEPORT alone a second gateway of the same user would bind too and take half of the connections unnoticed. So the first
    /// socket binds and listens without it, which only one can; sharing is switched on after that, for our own other sockets. (Binding alone
    /// does not tell: with SO_REUSEADDR two sockets may be bound as long as neither listens.)
    package static func bind(
        _ address: SocketAddress, count: Int, backlog: Int32 = 4096, _ options: ConnectionOptions = ConnectionOptions()
    ) throws(SystemError) -> [BoundSocket] {
        var bound = [try open(address, options, sharesPort: false)]
        do throws(SystemError) {
            try SystemError.checkPOSIX(listen(bound[0].descriptor, backlog), "listen on \(bound[0].address)")
            if count > 1 { try bound[0].sharePort() }
            while bound.count < count {
                let socket = try open(bound[0].address, options, sharesPort: true)
                bound.append(socket)
                try SystemError.checkPOSIX(listen(socket.descriptor, backlog), "listen on \(socket.address)")
            }
        } catch {
            for socket in bound { CLibuv.close(socket.descriptor) }
            throw error
        }
        return bound
    }

    private static func open(_ address: SocketAddress, _ options: ConnectionOptions, sharesPort: Bool) throws(SystemError) -> BoundSocket {
        let descriptor = try SystemError.checkPOSIX(wsg_stream_socket(address.isIPv4 ? AF_INET : AF_INET6), "create a socket")
        do throws(SystemError) {
            var on: Int32 = 1
            let size = socklen_t(MemoryLayout<Int32>.size)
            // Without it a restart would wait for the last connections' TIME_WAIT.
            try unsafe SystemError.checkPOSIX(setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, size), "set SO_REUSEADDR")
            if !address.isIPv4 {
                try unsafe SystemError.checkPOSIX(setsockopt(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &on, size), "set IPV6_V6ONLY")
            }
            let unbound = BoundSocket(descriptor: descriptor, address: address)
            // Before it listens: whoever connects from then on has them.
            try unbound.set(options)
            if sharesPort { try unbound.sharePort() }
            let result = unsafe address.withSockaddr { address, length in unsafe CLibuv.bind(descriptor, address, length) }
            try SystemError.checkPOSIX(result, "bind \(address)")
            return BoundSocket(descriptor: descriptor, address: try unbound.name())
        } catch {
            CLibuv.close(descriptor)
            throw error
        }
    }

    /// Gives the port back; only for a socket that no listener owns yet.
    package func close() { CLibuv.close(descriptor) }

    private func set(_ options: ConnectionOptions) throws(SystemError) {
        let size = socklen_t(MemoryLayout<Int32>.size)
        var on: Int32 = 1
        try unsafe SystemError.checkPOSIX(setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, size), "set TCP_NODELAY")
        #if os(Linux)
        if var bytes = options.unsentLowWaterBytes {
            try unsafe SystemError.checkPOSIX(
                setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NOTSENT_LOWAT, &bytes, size), "set TCP_NOTSENT_LOWAT")
        }
        #endif
        if var bytes = options.sendBufferBytes {
            try unsafe SystemError.checkPOSIX(setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &bytes, size), "set SO_SNDBUF")
        }
    }

    private func sharePort() throws(SystemError) {
        var on: Int32 = 1
        try unsafe SystemError.checkPOSIX(
            setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &on, socklen_t(MemoryLayout<Int32>.size)), "set SO_REUSEPORT")
    }

    private func name() throws(SystemError) -> SocketAddress {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = unsafe withUnsafeMutablePointer(to: &storage) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe getsockname(descriptor, $0, &length) }
        }
        try SystemError.checkPOSIX(result, "read a socket's name")
        return SocketAddress(storage)
    }
}

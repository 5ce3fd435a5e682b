internal import CLibuv

/// What a stream tells its owner, on the loop's thread. The stream keeps its handler alive until it is closed.
package protocol TCPStreamHandler: AnyObject {
    /// Bytes arrived. The span is the loop's shared read buffer: valid during the call only. Nothing else is told within it.
    func stream(_ stream: TCPStream, didReceive bytes: Span<UInt8>)
    /// The peer will send nothing more (FIN). Sending is still possible.
    func streamDidReachEnd(_ stream: TCPStream)
    /// The connection is broken; the owner closes it.
    func stream(_ stream: TCPStream, didFail error: SystemError)
    /// The socket takes bytes again; asked for by ``TCPStream/waitUntilWritable()``, told once.
    func streamBecameWritable(_ stream: TCPStream)
}

/// What a send did.
package enum SendResult: Equatable {
    /// The kernel took this many of the bytes, 0 to all. Fewer than all: its buffer is full.
    case sent(Int)
    case failed(SystemError)
}

/// One connected TCP socket, or Unix-domain one, on one loop: readiness by libuv, bytes by `recv` and `send`.
///
/// Nothing is queued here. What the kernel does not take stays with the owner, who alone knows what may still be dropped or overtaken;
/// therefore a poll handle and not `uv_tcp_t`, whose write queue owns what it was given (docs/decisions/0001).
///
/// Flow: socket → **TCPStream** → HTTPConnection → ClientConnection, and back.
@safe
package final class TCPStream {
    /// For the fan-out's loop of sends, which must not touch the object. Valid until ``close()``.
    package let descriptor: Int32
    /// Of a send whose failure is still to be told; 0 where none is.
    private var failedSend: Int32 = 0
    let handle: UnsafeMutablePointer<uv_poll_t>
    let loop: EventLoop
    private(set) var handler: (any TCPStreamHandler)?
    private(set) var interest: Int32 = 0
    /// libuv has called and awaits the return, which lets go of what is closed meanwhile.
    private var isInCall = false
    /// Nil where the bytes go as they are.
    let sealing: Sealing?

    /// Takes over a connected, non-blocking descriptor. Closes it when it throws.
    package init(_ loop: EventLoop, descriptor: Int32, seal: (any StreamSeal)? = nil) throws(SystemError) {
        self.loop = loop
        self.descriptor = descriptor
        sealing = seal.map(Sealing.init)
        do throws(SystemError) {
            unsafe handle = try loop.pollHandles.take(descriptor)
        } catch {
            CLibuv.close(descriptor)
            throw error
        }
        unsafe handle.pointee.data = Unmanaged.passRetained(self).toOpaque()
    }

    /// Begins a connection to `endpoint`; the handler is told by `streamBecameWritable` when it stands, by `didFail` when it cannot. With a seal it
    /// stands when that is established.
    package static func connect(
        _ loop: EventLoop, to endpoint: Endpoint, seal: (any StreamSeal)? = nil, handler: any TCPStreamHandler
    ) throws(SystemError) -> TCPStream {
        let descriptor = try SystemError.checkPOSIX(wsg_stream_socket(endpoint.family), "create a socket")
        let stream = try TCPStream(loop, descriptor: descriptor, seal: seal)
        let result = unsafe endpoint.withSockaddr { address, length in unsafe CLibuv.connect(descriptor, address, length) }
        if result < 0, SystemError.currentErrno != EINPROGRESS {
            let error = SystemError("connect to \(endpoint)", errno: SystemError.currentErrno)
            stream.close()
            throw error
        }
        stream.handler = handler
        stream.disableNagle()
        // The handshake is the stream's affair, and nothing else can come before it is done.
        if seal != nil { stream.startReading() }
        stream.waitUntilWritable()
        return stream
    }

    package static func connect(
        _ loop: EventLoop, to address: SocketAddress, seal: (any StreamSeal)? = nil, handler: any TCPStreamHandler
    ) throws(SystemError) -> TCPStream {
        try connect(loop, to: .network(address), seal: seal, handler: handler)
    }

    /// An event is one small write: Nagle's delay would hold it for the acknowledgement of the one before. Accepted connections have it off
    /// already, from their listener; a Unix-domain socket knows none.
    private func disableNagle() {
        var on: Int32 = 1
        unsafe setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
    }

    /// Bounds the kernel's send buffer; tests make a socket slow by it.
    package func setSendBuffer(bytes: Int32) {
        var bytes = bytes
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &bytes, socklen_t(MemoryLayout<Int32>.size))
    }

    package func setHandler(_ handler: any TCPStreamHandler) { self.handler = handler }

    package var isClosed: Bool { interest < 0 }
    package var isReading: Bool { interest > 0 && interest & readable != 0 }

    package func startReading() { watch(interest | readable) }

    /// Looks for bytes that came before they were waited for, and saves the poll that would tell of them: a client's first are close behind its
    /// connection. Not from within a call of the handler. Without a seal, whose handshake has something else to read.
    package func readAtOnce() {
        if isReading, sealing == nil { receive() }
    }

    /// Stops reading: the peer's bytes wait in the kernel and its window closes.
    package func pauseReading() { watch(interest & ~readable) }

    package func waitUntilWritable() {
        sealing?.wantsWritable = true
        watch(interest | writable)
    }

    /// What is sent is sealed first: there is no sending past the stream, by its descriptor.
    package var isSealed: Bool { sealing != nil }
    package var seal: (any StreamSeal)? { sealing?.seal }

    private var readable: Int32 { Int32(UV_READABLE.rawValue) }
    var writable: Int32 { Int32(UV_WRITABLE.rawValue) }

    func watch(_ events: Int32) {
        guard !isClosed, events != interest else { return }
        interest = events
        if events == 0 {
            unsafe uv_poll_stop(handle)
        } else {
            unsafe uv_poll_start(handle, events) { handle, status, events in
                let stream = unsafe Unmanaged<TCPStream>.fromOpaque(handle!.pointee.data)
                if unsafe stream._withUnsafeGuaranteedRef({ $0.becameReady(status: status, events: events) }) { unsafe stream.release() }
            }
        }
    }

    /// True when the stream is closed: the caller lets go of what libuv's handle held.
    private func becameReady(status: Int32, events: Int32) -> Bool {
        isInCall = true
        act(status: status, events: events)
        isInCall = false
        return isClosed
    }

    @inline(__always)
    private func act(status: Int32, events: Int32) {
        // libuv reports POLLERR as EBADF and stops watching; the socket itself knows what happened.
        if status < 0 {
            breakOff(failedSend == 0 ? SystemError("use a connection", errno: pendingError()) : SystemError("send", errno: failedSend))
            if !isClosed { interest = 0 }
            return
        }
        if events & writable != 0 {
            watch(interest & ~writable)
            if failedSend != 0 { return breakOff(SystemError("send", errno: failedSend)) }
            if let sealing { socketBecameWritable(sealing) } else { handler?.streamBecameWritable(self) }
        }
        if events & readable != 0, isReading { receive() }
    }

    @inline(__always)
    private func receive() {
        if let sealing { return receive(sealing) }
        let buffer = unsafe loop.readBuffer
        let count = unsafe wsg_receive(descriptor, buffer.baseAddress, buffer.count)
        if count > 0 {
            let bytes = unsafe UnsafeBufferPointer(start: buffer.baseAddress, count: count)
            // Taken out for the call, which may close the stream or hand it on: no reference is counted for it (docs/decisions/0033).
            var told: (any TCPStreamHandler)?
            swap(&told, &handler)
            unsafe told?.stream(self, didReceive: bytes.span)
            if !isClosed, handler == nil { swap(&told, &handler) }
        } else if count == 0 {
            handler?.streamDidReachEnd(self)
            // Nothing more comes. Most owners have closed it by now, which is one call to the kernel less.
            pauseReading()
        } else {
            let error = SystemError.currentErrno
            if error != EAGAIN, error != EINTR { fail(error) }
        }
    }

    /// The connection is broken. What the peer said before is heard first, as long as somebody listens: most often it says why at the end. From the
    /// loop alone: within a call that tells of bytes the loop's buffer holds them.
    func breakOff(_ error: SystemError) {
        let buffer = unsafe loop.readBuffer
        var count = buffer.count
        while count == buffer.count, isReading, sealing?.seal.mayReceive ?? true {
            count = unsafe wsg_receive(descriptor, buffer.baseAddress, buffer.count)
            guard count > 0 else { break }
            let bytes = unsafe UnsafeBufferPointer(start: buffer.baseAddress, count: count)
            if let sealing { unsafe open(bytes.span, sealing) } else { unsafe handler?.stream(self, didReceive: bytes.span) }
        }
        failedSend = 0
        if !isClosed { handler?.stream(self, didFail: error) }
    }

    /// For an owner whose ``send(_:)`` failed, as the peer's end is noticed there first. In the loop's next turn it hears what the peer said before, and
    /// then of the failure.
    package func sendingFailed(_ error: SystemError) {
        guard !isClosed, failedSend == 0 else { return }
        failedSend = error.errno
        watch(interest | writable)
    }

    func fail(_ errno: Int32) { handler?.stream(self, didFail: SystemError("use a connection", errno: errno)) }

    private func pendingError() -> Int32 {
        var error: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        unsafe getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &length)
        return error == 0 ? ECONNRESET : error
    }

    /// Hands the bytes to the kernel as far as it takes them. Never blocks, never queues.
    package func send(_ bytes: Span<UInt8>) -> SendResult {
        if let sealing { return send(bytes, sealing) }
        return sendUnsealed(bytes)
    }

    /// Past the seal: for the peer that speaks no TLS.
    package func sendUnsealed(_ bytes: Span<UInt8>) -> SendResult { Self.send(bytes, to: descriptor) }

    /// As ``send(_:)``, when ``finishSending()`` or ``close()`` follows at once: the bytes leave in one packet with the FIN. Where neither follows they
    /// may stay with the kernel for a fifth of a second.
    package func sendLast(_ bytes: Span<UInt8>) -> SendResult {
        if let sealing { return send(bytes, sealing) }
        return unsafe bytes.withUnsafeBufferPointer { bytes in
            guard let start = bytes.baseAddress, !bytes.isEmpty else { return .sent(0) }
            return unsafe Self.result(ofSend: wsg_send_last(descriptor, start, bytes.count))
        }
    }

    /// Hands the same bytes to the kernel for each of these open descriptors. Returns how many took all of them; for each other one, `exception` is
    /// told its index and what happened. No object is touched and nothing is decided for each: this loop is what a fan-out costs.
    package static func sendToEach(_ descriptors: Span<Int32>, _ bytes: Span<UInt8>, _ exception: (Int, SendResult) -> Void) -> Int {
        unsafe bytes.withUnsafeBufferPointer { bytes in
            guard let start = bytes.baseAddress, !bytes.isEmpty else {
                for index in descriptors.indices { exception(index, .sent(0)) }
                return 0
            }
            let count = bytes.count
            var full = 0
            for index in descriptors.indices {
                let sent = unsafe wsg_send(descriptors[index], start, count)
                if sent == count { full += 1 } else { exception(index, result(ofSend: sent)) }
            }
            return full
        }
    }

    /// Once, and without the object: for what was sealed already.
    package static func send(_ bytes: Span<UInt8>, to descriptor: Int32) -> SendResult {
        unsafe bytes.withUnsafeBufferPointer { bytes in
            guard let start = bytes.baseAddress, !bytes.isEmpty else { return .sent(0) }
            return unsafe result(ofSend: wsg_send(descriptor, start, bytes.count))
        }
    }

    private static func result(ofSend sent: Int) -> SendResult {
        if sent >= 0 { return .sent(sent) }
        let error = SystemError.currentErrno
        return error == EAGAIN || error == EINTR ? .sent(0) : .failed(SystemError("send", errno: error))
    }

    /// Whether the kernel holds bytes that it has not sent yet, since the peer's window is closed or the network is full. True where it does not tell.
    package var hasUnsentBytes: Bool { sealing?.hasOutput == true || wsg_unsent_bytes(descriptor) != 0 }

    /// After ``sendLast(_:)`` took all of its `count` bytes: true where nothing else is left with the kernel, so that ``close()`` may follow, which sends
    /// them together with the FIN. False where something else is; the FIN is on its way behind it. The kernel is not asked where `isLittle`: where it
    /// may keep all that was ever sent.
    package func canCloseBehind(last count: Int, ofLittle isLittle: Bool) -> Bool {
        // Asked before the FIN, which takes a place of its own among what is unsent, and saves a call to the kernel where all is well.
        if sealing == nil, isLittle || (0...count).contains(Int(wsg_unsent_bytes(descriptor))) { return true }
        finishSending()
        return !hasUnsentBytes
    }

    /// The connection breaks when the peer has not acknowledged for so long what was sent to it, or has not made room for what waits. Linux; elsewhere
    /// the system gives up when it does, after many minutes.
    package func setUserTimeout(milliseconds: Int32) {
        guard !isClosed else { return }
        wsg_user_timeout(descriptor, milliseconds)
    }

    /// Sends FIN: the peer learns that nothing more comes, its own bytes still arrive.
    package func finishSending() {
        guard !isClosed else { return }
        if let sealing { return finishSending(sealing) }
        wsg_shutdown_write(descriptor)
    }

    /// Closes the socket with RST: what the kernel has not sent, or the peer not acknowledged, is thrown away at once.
    package func reset() {
        guard !isClosed else { return }
        var now = linger(l_onoff: 1, l_linger: 0)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &now, socklen_t(MemoryLayout<linger>.size))
        sealing?.endsInSilence = true
        close()
    }

    /// Closes the socket and lets go of the handler. Idempotent.
    package func close() {
        guard !isClosed else { return }
        if let sealing { sayEnd(sealing) }
        interest = -1
        handler = nil
        unsafe loop.pollHandles.giveBack(handle, of: descriptor)
        // The watcher has left the poll set; only now may the number be used again. The other way round the kernel would take it out by itself, in less
        // time, but not while a process that is just being started holds a copy: until its exec the next socket of the number would be told of this one.
        wsg_close(descriptor)
        // What libuv's handle held. Whoever calls this holds another.
        if !isInCall { unsafe Unmanaged.passUnretained(self).release() }
    }
}

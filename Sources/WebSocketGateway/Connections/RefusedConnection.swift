internal import EventLoop
internal import HTTP

/// A connection over a limit: it has its 503, and now we read and forget what it sends until it leaves, because closing a socket with
/// unread bytes resets it and the answer with it.
final class RefusedConnection: StreamPeer {
    /// More than these per worker are closed at once.
    static let countMax = 64
    private static let lingerMilliseconds: UInt64 = 1000

    let stream: TCPStream
    var wakesAt: UInt64?
    private let core: WorkerCore
    private let ref: ConnectionRef
    private var isClosed = false

    init(_ core: WorkerCore, _ stream: TCPStream, ref: ConnectionRef) {
        self.core = core
        self.stream = stream
        self.ref = ref
    }

    static func answer(_ reason: RefusalReason, retryAfterSeconds: Int = 1, date: [UInt8] = []) -> [UInt8] {
        let (status, code, message): (HTTPStatus, String, String) =
            switch reason {
            case .gatewayLimit: (.serviceUnavailable, "CONNECTION_LIMIT", "the gateway has as many connections as it may")
            case .addressLimit: (.serviceUnavailable, "ADDRESS_LIMIT", "this address has as many connections as it may")
            case .addressRate: (.tooManyRequests, "RATE_LIMITED", "this address opens connections too fast")
            case .controlLimit: (.serviceUnavailable, "CONTROL_LIMIT", "the control listener has as many connections as it may")
            case .draining: (.serviceUnavailable, "DRAINING", "the gateway is shutting down")
            case .proxyHeader: (.badRequest, "PROXY_HEADER_REQUIRED", "connections of this proxy begin with a PROXY header, version 2")
            }
        return EngineResponse.error(status, code, message, retryAfterSeconds: reason == .proxyHeader ? nil : retryAfterSeconds)
            .encoded(keepAlive: false, date: date)
    }

    func start() {
        stream.setHandler(self)
        stream.finishSending()
        stream.startReading()
        core.schedule(self, ref: ref, at: core.now + Self.lingerMilliseconds)
    }

    func stream(_ stream: TCPStream, didReceive bytes: Span<UInt8>) {}
    func streamDidReachEnd(_ stream: TCPStream) { cut() }
    func stream(_ stream: TCPStream, didFail error: SystemError) { cut() }
    func streamBecameWritable(_ stream: TCPStream) {}

    func deadlineReached(now: UInt64) -> UInt64? {
        cut()
        return nil
    }

    func gatewayStops(hard: Bool) { if hard { cut() } }

    private func cut() {
        guard !isClosed else { return }
        isClosed = true
        stream.close()
        core.connectionClosed(ref, nil)
    }
}

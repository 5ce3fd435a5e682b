internal import EventLoop
internal import HTTP
internal import OpenSSL

/// A connection from its accept until its TLS handshake is done; then the same connection goes on as HTTP, and knows nothing of TLS.
///
/// Flow: TCPStream → **TLSHandshake** → HTTPConnection
final class TLSHandshake: StreamPeer {
    let stream: TCPStream
    var wakesAt: UInt64?
    private let core: WorkerCore
    private let tls: WorkerTLS
    private let seal: TLSSeal
    private let ref: ConnectionRef
    private let peer: SocketAddress
    private let admission: Admission
    private let deadline: UInt64
    /// Nil until it is done.
    private var connection: HTTPConnection?
    private var isClosed = false

    init(
        _ core: WorkerCore, _ tls: WorkerTLS, _ stream: TCPStream, _ seal: TLSSeal, ref: ConnectionRef, peer: SocketAddress,
        admission: Admission
    ) {
        self.core = core
        self.tls = tls
        self.stream = stream
        self.seal = seal
        self.ref = ref
        self.peer = peer
        self.admission = admission
        deadline = core.now + core.plan.tlsHandshakeTimeout
    }

    func start() {
        tls.openHandshakes += 1
        core.counters.add(.tlsHandshakesOpen)
        stream.setHandler(self)
        stream.startReading()
        stream.waitUntilWritable()
        core.schedule(self, ref: ref, at: deadline)
    }

    /// The first plaintext may come with the handshake's last bytes, before we are told that it is done.
    func stream(_ stream: TCPStream, didReceive bytes: Span<UInt8>) { becomeHTTP().stream(stream, didReceive: bytes) }

    func streamBecameWritable(_ stream: TCPStream) { _ = becomeHTTP() }

    func streamDidReachEnd(_ stream: TCPStream) { cut(.abandoned) }

    func stream(_ stream: TCPStream, didFail error: SystemError) {
        guard let failure = seal.failure else { return cut(.abandoned) }
        core.log.failedHandshake(failure, isControl: isControl, peer: peer)
        if failure.reason == .plainHTTP { _ = stream.sendUnsealed(Self.speaksTLS(date: core.dateLine).span) }
        cut(.failed(failure.reason))
    }

    func deadlineReached(now: UInt64) -> UInt64? {
        guard now >= deadline else { return deadline }
        cut(.timeout)
        return nil
    }

    func gatewayStops(hard: Bool) { cut(.draining) }

    /// To who speaks plain HTTP, in plain HTTP: otherwise nobody finds out what is wrong.
    private static func speaksTLS(date: [UInt8]) -> [UInt8] {
        EngineResponse.error(.badRequest, "TLS_REQUIRED", "this port speaks TLS: use https or wss").encoded(keepAlive: false, date: date)
    }

    private var isControl: Bool { if case .control = admission { true } else { false } }

    private func leave(_ outcome: TLSOutcome) {
        tls.openHandshakes -= 1
        core.counters.subtract(.tlsHandshakesOpen)
        core.counters.add(.tlsHandshakes, label: outcome.index)
    }

    private func becomeHTTP() -> HTTPConnection {
        if let connection { return connection }
        leave(seal.isResumed ? .resumed : .completed)
        let connection = HTTPConnection(core, stream, ref: ref, peer: peer, admission: admission)
        self.connection = connection
        core.replace(ref, with: connection)
        connection.start()
        return connection
    }

    private func cut(_ outcome: TLSOutcome) {
        guard !isClosed, connection == nil else { return }
        isClosed = true
        leave(outcome)
        stream.close()
        core.connectionClosed(ref, admission)
    }
}

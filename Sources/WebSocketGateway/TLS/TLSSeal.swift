package import EventLoop
package import OpenSSL

/// A connection's TLS session, as its stream sees it: a client's at the gateway, or a tool's.
package final class TLSSeal: StreamSeal {
    private let session: TLSSession
    /// Nil on the client's side, which does its handshakes at once.
    private let worker: WorkerTLS?
    /// Why it makes no sense any more.
    package private(set) var failure: TLSFailure?

    init(_ session: TLSSession, _ worker: WorkerTLS) {
        self.session = session
        self.worker = worker
    }

    /// For a tool that connects to a gateway, whose certificate must have this name or numeric address. Nil when memory is short, or that can be no name.
    package init?(_ context: TLSContext, _ buffers: TLSBuffers, connectingTo host: String) {
        guard let session = try? TLSSession.client(context, buffers, serverName: host) else { return nil }
        self.session = session
        worker = nil
    }

    package var mayReceive: Bool { session.isEstablished || worker?.mayTakeStep() ?? true }
    package var isEstablished: Bool { session.isEstablished }
    var isResumed: Bool { session.isResumed }
    var trafficKey: TrafficKey? { session.trafficKey }

    package func receive(_ bytes: Span<UInt8>, deliver: (Span<UInt8>) -> Bool) -> SealResult {
        do throws(TLSFailure) {
            return try session.receive(bytes, deliver: deliver) == .ended ? .ended : .all
        } catch {
            failure = error
            return .failed
        }
    }

    package func send(_ plaintext: Span<UInt8>) -> Int? { try? session.send(plaintext) }
    package func sendEnd() { session.sendEnd() }

    package var outputBytes: Int { session.outputBytes }
    package func withOutput(_ send: (Span<UInt8>) -> SendResult) -> SendResult { session.withOutput(send) }
    package func sent(_ count: Int) { session.sent(count) }
    package func keep(_ rest: Span<UInt8>) { session.keep(rest) }
}

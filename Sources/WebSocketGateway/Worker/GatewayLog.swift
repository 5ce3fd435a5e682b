internal import EventLoop
internal import HTTP
internal import Logging
internal import OpenSSL
internal import Sessions
internal import WebSocket

/// The gateway's log lines. Nothing is logged per event; what peers can cause is limited to a few lines a second.
struct GatewayLog: Sendable {
    let logger: Logger
    private let budget = LineBudget()

    init(_ logger: Logger) { self.logger = logger }

    /// Lines that peers can cause: at most ten a second, the rest counted in the next one.
    private final class LineBudget: Sendable {
        private let state = Locked((second: UInt64(0), used: 0, suppressed: 0))

        /// Nil: not this one. Otherwise how many were left out before it.
        func take() -> Int? {
            state.withLock { state in
                let second = Clocks.monotonicNanoseconds / 1_000_000_000
                if state.second != second { (state.second, state.used) = (second, 0) }
                guard state.used < 10 else {
                    state.suppressed += 1
                    return nil
                }
                state.used += 1
                defer { state.suppressed = 0 }
                return state.suppressed
            }
        }
    }

    /// `offset` is how many of the client's bytes after its handshake stand before the one that broke the rule.
    func violation(_ violation: ProtocolViolation, at offset: UInt64, connection: ConnectionID, address: SocketAddress) {
        peerCaused("protocol violation") {
            [
                "violation": "\(violation.name)", "reason": "\(violation.message)", "section": "\(violation.rfc) \(violation.section)",
                "offset": "\(offset)", "close_code": "\(violation.closeCode.rawValue)", "connection_id": "\(connection)",
                "remote_address": "\(address)",
            ]
        }
    }

    /// `offset` is how many of the connection's bytes stand before the one that broke the rule.
    func badRequest(_ violation: HTTPViolation, _ reason: String, at offset: UInt64, isControl: Bool, peer: SocketAddress) {
        peerCaused("bad request") {
            [
                "violation": "\(violation)", "reason": "\(reason)", "section": "\(violation.section)", "offset": "\(offset)",
                "status": "\(violation.status.code)", "listener": isControl ? "control" : "public", "remote_address": "\(peer)",
            ]
        }
    }

    func failedHandshake(_ failure: TLSFailure, isControl: Bool, peer: SocketAddress) {
        peerCaused("TLS handshake failed") {
            [
                "reason": "\(failure.reason.rawValue)", "detail": "\(failure.detail)", "listener": isControl ? "control" : "public",
                "remote_address": "\(peer)",
            ]
        }
    }

    func badHandshake(_ rejection: HandshakeRejection, address: SocketAddress) {
        peerCaused("bad handshake") {
            [
                "violation": "\(rejection)", "reason": "\(rejection.message)", "section": "RFC 6455 \(rejection.section)",
                "status": "\(rejection.statusCode)", "remote_address": "\(address)",
            ]
        }
    }

    /// By its fault alone: a token is never told, nor anything in it.
    func tokenRefused(_ fault: TokenFault, address: SocketAddress) {
        peerCaused("token refused") { ["reason": "\(fault.rawValue)", "remote_address": "\(address.host)"] }
    }

    /// `scope` is what the request needed. The key that was shown is never told; of a good one without the scope its name.
    func keyRefused(_ denial: ControlDoor.Denial, _ scope: APIScope, peer: SocketAddress) {
        peerCaused("API key refused") {
            var metadata: Logger.Metadata = [
                "reason": "\(denial.refusal.rawValue)", "scope": "\(scope.rawValue)", "remote_address": "\(peer)",
            ]
            if let key = denial.key { metadata["key"] = "\(key)" }
            return metadata
        }
    }

    func peerCaused(_ message: Logger.Message, level: Logger.Level = .notice, _ metadata: () -> Logger.Metadata) {
        guard logger.logLevel <= level, let suppressed = budget.take() else { return }
        var metadata = metadata()
        metadata["suppressed"] = "\(suppressed)"
        logger.log(level: level, message, metadata: metadata)
    }

    func storeFailed(_ error: StoreError) {
        guard let suppressed = budget.take() else { return }
        let consequence =
            switch error {
            case .full: "publishes are refused until there is room"
            case .failed: "nothing is written any more; restart when the cause is mended"
            }
        logger.error(
            "the history store failed", metadata: ["error": "\(error)", "consequence": "\(consequence)", "suppressed": "\(suppressed)"])
    }

    func storeWasNotClosed(_ durability: Durability) {
        let consequence =
            durability == .commit
            ? "everything acknowledged is there" : "sessions go on in a new epoch behind the last event that was committed"
        logger.warning("the gateway did not end cleanly last time", metadata: ["consequence": "\(consequence)"])
    }

    func acceptFailed(_ error: SystemError) {
        guard let suppressed = budget.take() else { return }
        logger.error("cannot accept connections", metadata: ["error": "\(error)", "suppressed": "\(suppressed)"])
    }
}

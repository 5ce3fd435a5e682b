internal import EventLoop
internal import Logging
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

    func violation(_ violation: ProtocolViolation, connection: ConnectionID, address: SocketAddress) {
        guard logger.logLevel <= .notice, let suppressed = budget.take() else { return }
        logger.notice(
            "protocol violation",
            metadata: [
                "violation": "\(violation.name)", "message": "\(violation.message)", "section": "\(violation.rfc) \(violation.section)",
                "close_code": "\(violation.closeCode.rawValue)", "connection_id": "\(connection)", "remote_address": "\(address)",
                "suppressed": "\(suppressed)",
            ])
    }

    func acceptFailed(_ error: SystemError) {
        guard let suppressed = budget.take() else { return }
        logger.error("cannot accept connections", metadata: ["error": "\(error)", "suppressed": "\(suppressed)"])
    }
}

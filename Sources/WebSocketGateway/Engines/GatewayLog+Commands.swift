internal import EventLoop
internal import Logging
internal import Sessions
internal import WebSocket

/// Who asked for what, and what became of it.
extension GatewayLog {
    /// The audit line: one a command. Those that no engine was given are held to the lines that peers can cause.
    func command(_ request: CommandRequest, _ answer: CommandAnswer) {
        let metadata: () -> Logger.Metadata = {
            [
                "session_id": "\(request.session)", "action": "\(request.action)", "ref": "\(request.ref ?? "")",
                "subject": "\(request.subject ?? "")", "remote_address": "\(request.address)", "connection_id": "\(request.connectionID)",
                "result": "\(answer.result.rawValue)",
                "duration_ms": "\(Double((Clocks.monotonicNanoseconds &- request.askedAt) / 1000) / 1000)",
            ]
        }
        guard logger.logLevel <= .info else { return }
        guard answer == .noEngine || answer.result == .rateLimited || answer.result == .forbidden || answer == .refReused else {
            return logger.info("command", metadata: metadata())
        }
        peerCaused("command", level: .info, metadata)
    }

    func engineLinked(_ address: SocketAddress) { peerCaused("engine link opened", level: .info) { ["remote_address": "\(address)"] } }

    func engineUnlinked(_ address: SocketAddress, reason: String) {
        peerCaused("engine link closed", level: .info) { ["remote_address": "\(address)", "reason": "\(reason)"] }
    }

    func violation(_ violation: ProtocolViolation, at offset: UInt64, engine address: SocketAddress) {
        peerCaused("protocol violation") {
            [
                "violation": "\(violation.name)", "reason": "\(violation.message)", "section": "\(violation.rfc) \(violation.section)",
                "offset": "\(offset)", "close_code": "\(violation.closeCode.rawValue)", "listener": "control",
                "remote_address": "\(address)",
            ]
        }
    }
}

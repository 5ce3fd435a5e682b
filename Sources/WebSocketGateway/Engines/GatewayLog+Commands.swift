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

    /// `key` is the name of the API key that opened it; nil where none is asked for.
    func engineLinked(_ address: SocketAddress, key: String?) {
        peerCaused("engine link opened", level: .info) { Self.link(address, key) }
    }

    func engineUnlinked(_ address: SocketAddress, key: String?, reason: String) {
        peerCaused("engine link closed", level: .info) { Self.link(address, key).merging(["reason": "\(reason)"]) { $1 } }
    }

    private static func link(_ address: SocketAddress, _ key: String?) -> Logger.Metadata {
        var metadata: Logger.Metadata = ["remote_address": "\(address)"]
        if let key { metadata["key"] = "\(key)" }
        return metadata
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

internal import EventLoop

/// What can change while the gateway runs.
extension WebSocketManager {
    /// Reads the certificates and keys again that the settings name. New connections get them; those that stand are not touched. Waits for the disk.
    /// - Returns: what was read again, for the log.
    /// - Throws: ``SettingsError``. Nothing has changed then.
    public func reload() throws(SettingsError) -> [String] {
        guard let tls = try ListenerTLS.load(board.plan.settings) else { return [] }
        board.tls.withLock { $0 = tls }
        for mailbox in board.mailboxes { mailbox.post(.call { core in core?.tls?.replace(tls) }) }
        return ["certificates"]
    }

    /// What an operator should know of the settings, though they can be used: a certificate that has expired.
    public var warnings: [String] { board.tls.withLock { $0?.warnings ?? [] } }
}

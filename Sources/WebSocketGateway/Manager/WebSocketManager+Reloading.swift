internal import EventLoop

/// What can change while the gateway runs.
extension WebSocketManager {
    /// Reads again the files that the settings name: certificates, the keys of tokens, the keys of engines. All of them are in force from now on, or none.
    /// Connections stay, but engines' links, which come back with their keys; new connections get the new certificate, and tokens that were good before are looked at again when they are shown again. Waits for
    /// the disk. A key set at a URL is fetched, which nobody waits for.
    /// - Returns: what was read again, for the log.
    /// - Throws: ``SettingsError``. Nothing has changed then.
    public func reload() throws(SettingsError) -> [String] {
        let settings = board.plan.settings
        let (tls, tokenKeys, apiKeys) = (try ListenerTLS.load(settings), try TokenKeys.read(settings), try APIKeys.read(settings))
        let keySet = try KeySetSource.read(settings)
        if let tls {
            board.tls.withLock { $0 = tls }
            for mailbox in board.mailboxes { mailbox.post(.call { core in core?.tls?.replace(tls) }) }
        }
        if let keySet { board.keySet?.refresh(keySet) } else if let tokenKeys { board.door.replace(tokenKeys) }
        if let apiKeys { board.controlDoor.replace(apiKeys) }
        let all = [
            ("certificates", tls != nil), ("token keys", tokenKeys != nil && keySet == nil), ("API keys", apiKeys != nil),
            ("token keys, being fetched", keySet != nil),
        ]
        return all.filter(\.1).map(\.0)
    }

    /// What an operator should know of the settings, though they can be used: a certificate that has expired.
    public var warnings: [String] { board.tls.withLock { $0?.warnings ?? [] } }
}

internal import EventLoop

/// Members whose bytes are sealed on their way: each has its own cipher, so there is no row of descriptors to walk. What a turn has published is
/// joined already, and becomes one record of each (up to 16 KiB).
extension FanOut {
    func sendSealed(_ batch: Batch, to connection: UInt32, _ counts: inout DeliveryCounts) {
        guard let client = core.client(at: connection) else { return }
        let bytes = batch.bytes(in: client.encoding)
        let result = client.stream.send(bytes.span)
        guard result == .sent(bytes.count) else { return exceptions.append(Exception(connection: connection, result: result)) }
        counts.uniform += 1
        countBytes(batch, client.encoding, times: 1)
    }
}

extension ClientConnection {
    /// Where it stands while it wants everything and nothing waits for it.
    var liveGroup: MemberPlace.Group { stream.isSealed ? .sealed : .direct(encoding) }
}

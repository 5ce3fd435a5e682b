internal import EventLoop
internal import OpenSSL

/// Members whose bytes are sealed on their way: the same content, and a record of each. What a turn has published is joined already, and becomes one
/// record (up to 16 KiB).
extension FanOut {
    func sendSealed(_ batch: Batch, to row: Members.Row<Members.SealedTarget>, _ members: Range<Int>, _ counts: inout DeliveryCounts) {
        guard let sealer = core.tls?.buffers.sealer else {
            for index in members { sendSealed(batch, to: row.connections[index], &counts) }
            return
        }
        var full = PerEncoding(0)
        for index in members {
            let target = row.targets[index]
            let connection = row.connections[index]
            guard let key = target.key, key.isFree, (1...TLSSession.recordBytesMax).contains(batch.bytes(in: target.encoding).count) else {
                sendSealed(batch, to: connection, &counts)
                continue
            }
            switch sealer.seal(batch.bytes(in: target.encoding).span, with: key, { send($0, target.descriptor, of: connection) }) {
            case .sent: full[target.encoding] += 1
            case .failed(let error): exceptions.append(Exception(connection: connection, result: .failed(error)))
            case nil: sendSealed(batch, to: connection, &counts)
            }
        }
        for encoding in Encoding.allCases where full[encoding] > 0 {
            counts.uniform += full[encoding]
            countBytes(batch, encoding, times: full[encoding])
        }
    }

    /// Touches no connection that takes it whole. What was sealed counts as sent, and its stream has the rest: it cannot be taken back
    /// (docs/decisions/0018).
    private func send(_ record: Span<UInt8>, _ descriptor: Int32, of connection: UInt32) -> SendResult {
        let result = TCPStream.send(record, to: descriptor)
        guard case .sent(let count) = result, count < record.count else { return result }
        core.client(at: connection)?.stream.keepSealed(record.extracting(count...))
        return .sent(record.count)
    }

    private func sendSealed(_ batch: Batch, to connection: UInt32, _ counts: inout DeliveryCounts) {
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
    var liveGroup: MemberPlace.Group { stream.isSealed ? .sealed(encoding) : .direct(encoding) }
    var trafficKey: TrafficKey? { (stream.seal as? TLSSeal)?.trafficKey }
}

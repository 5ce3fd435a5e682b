internal import EventLoop
internal import HTTP
internal import Sessions

/// A client's way from request to WebSocket.
extension HTTPConnection {
    /// Asks the session's home to let the client in. Where it is another worker's, the client's bytes wait for its answer.
    func join(_ request: JoinRequest, _ head: RequestHead, _ upgrade: ClientRoutes.Upgrade) {
        if let answer = core.join(request) { return ClientRoutes.finish(upgrade, head, request, answer, on: self) }
        isExclusive = true
        joining = (upgrade, head)
        stream.pauseReading()
    }

    func joined(_ request: JoinRequest, _ answer: JoinAnswer) {
        guard let (upgrade, head) = joining.take() else {
            if case .admitted(let incarnation, _, _, _, _) = answer {
                core.left(request, incarnation)
            }
            return
        }
        isExclusive = false
        ClientRoutes.finish(upgrade, head, request, answer, on: self)
        resume()
    }

    /// Hands the TCP connection over to a client connection. What the client sent early and waited here is returned.
    func becomeClient(
        id: ConnectionID, address: SocketAddress, mode: ClientConnection.Mode, encoding: Encoding = .plain, filter: TypeFilter? = nil
    ) -> (
        client: ClientConnection, early: [UInt8]
    ) {
        state = .gone
        core.counters.subtract(.httpConnections, label: gaugeLabel)
        let client = ClientConnection(
            core, stream, ref: ref, id: id, address: address, admission: admission, mode: mode, encoding: encoding, filter: filter)
        // The wheel will call for the head's deadline: it asks the client then, and need not be told of it before.
        client.wakesAt = wakesAt
        upgraded = client
        core.replace(ref, with: client)
        stream.setHandler(client)
        let early = backlog
        backlog = []
        return (client, early)
    }
}

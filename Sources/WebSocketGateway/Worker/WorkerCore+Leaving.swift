internal import Sessions

/// Who leaves a session tells its home.
extension WorkerCore {
    func left(_ session: LocalSession, _ encoding: Encoding, _ id: ConnectionID) {
        left(session.id, incarnation: session.incarnation, encoding, id)
    }

    /// Who was let in has left already.
    func left(_ request: JoinRequest, _ incarnation: UInt64) {
        left(request.session, incarnation: incarnation, request.encoding, request.id)
    }

    private func left(_ session: SessionID, incarnation: UInt64, _ encoding: Encoding, _ id: ConnectionID) {
        let worker = board.home(of: session)
        if worker == index {
            home.left(session, incarnation: incarnation, worker: index, encoding, id)
        } else {
            post(.left(session, incarnation: incarnation, worker: index, encoding, id), to: worker)
        }
    }
}

internal import EventLoop
internal import OpenSSL

/// Connections of a listener that speaks TLS.
extension WorkerCore {
    func openSealed(_ descriptor: Int32, _ peer: SocketAddress, _ admission: Admission, _ tls: WorkerTLS, _ context: TLSContext) {
        guard tls.openHandshakes < plan.tlsHandshakesPerWorker else {
            counters.add(.tlsHandshakes, label: TLSOutcome.limit.index)
            board.gate.leave(admission)
            guard let stream = try? TCPStream(loop, descriptor: descriptor) else { return }
            let refusal = WorkerTLS.refusal
            _ = stream.send(refusal.span)
            return stream.close()
        }
        guard let session = try? TLSSession.server(context, tls.buffers) else {
            counters.add(.tlsHandshakes, label: TLSOutcome.failed(.other).index)
            board.gate.leave(admission)
            if let stream = try? TCPStream(loop, descriptor: descriptor) { stream.close() }
            return
        }
        let seal = TLSSeal(session, tls)
        do throws(SystemError) {
            let stream = try TCPStream(loop, descriptor: descriptor, seal: seal)
            let ref = table.reserve()
            let handshake = TLSHandshake(self, tls, stream, seal, ref: ref, peer: peer, admission: admission)
            table.set(handshake, at: ref)
            handshake.start()
        } catch {
            board.gate.leave(admission)
            counters.add(.acceptErrors)
            log.acceptFailed(error)
        }
    }
}

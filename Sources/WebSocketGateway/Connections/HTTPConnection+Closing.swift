internal import EventLoop
internal import HTTP

/// How it ends when the peer or the gateway wants to.
extension HTTPConnection {
    /// The last answer is written: FIN, and the peer's is awaited.
    func finish() {
        state = .finishing(deadline: core.now + core.plan.closeTimeout)
        stream.finishSending()
        stream.startReading()
    }

    func streamDidReachEnd(_ stream: TCPStream) {
        // Half-closed: what it asked for is still answered, then the connection ends.
        if case .open = state, !answers.isEmpty || hasDeferred || isExclusive || !output.isEmpty, joining == nil {
            closesAfterAnswers = true
        } else {
            cut()
        }
    }

    func stream(_ stream: TCPStream, didFail error: SystemError) { cut() }

    func gatewayStops(hard: Bool) {
        if hard {
            writeAnswers()
            cut()
        } else if !isControl {
            guard hasAnsweredAll, !hasDeferred, joining == nil else {
                closesAfterAnswers = true
                return
            }
            if isBetweenRequests { return cut() }
            core.counters.add(.handshakes, label: HandshakeOutcome.draining.index)
            closesAfterAnswers = true
            add(ClientRoutes.draining.encoded(keepAlive: false, date: core.dateLine))
        }
    }

    func cut(abortively isAbortive: Bool = false) {
        if case .gone = state { return }
        if !isControl, case .open = state, requestStarted != nil, !isBetweenRequests {
            core.counters.add(.handshakes, label: HandshakeOutcome.abandoned.index)
        }
        state = .gone
        core.counters.subtract(.httpConnections, label: gaugeLabel)
        if isAbortive { stream.reset() } else { stream.close() }
        core.connectionClosed(ref, admission)
    }
}

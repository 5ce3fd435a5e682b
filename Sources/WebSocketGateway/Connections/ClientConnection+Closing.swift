internal import EventLoop
internal import Sessions
internal import WebSocket

/// How a client connection ends: by a close frame of either side, or cut off.
extension ClientConnection {
    /// Sends our close frame, ahead of what waits and instead of it. `finish` ends the stream without waiting for the peer's close frame,
    /// as after a violation, where nothing it says can be understood any more.
    func close(_ code: CloseCode, _ ending: Ending, reason: String, finish finishes: Bool = false, retryMilliseconds: Int? = nil) {
        guard isOpen else { return }
        closeCode = code
        beginClosing(transport.farewell(code, reason: reason, retryMilliseconds: retryMilliseconds, now: core.wallTime), ending)
        if finishes || !transport.answersFarewell { finish() }
    }

    /// Sends 1000 behind what waits in the queue, in the time there is for closing.
    func closeInOrder(_ ending: Ending, reason: String) {
        closeCode = .normal
        leave(ending)
        awaitClose()
        send(transport.farewell(.normal, reason: reason, retryMilliseconds: nil, now: core.wallTime))
        if !transport.answersFarewell { finish() }
    }

    private func awaitClose() {
        state = .closing(deadline: core.now + core.plan.closeTimeout)
        core.schedule(self, at: core.now + core.plan.closeTimeout)
    }

    /// Leaves the session, drops what has not begun, and sends the close frame after what has.
    func beginClosing(_ closeFrame: [UInt8], _ ending: Ending) {
        leave(ending)
        let waited = outbox.bytes
        outbox.dropMessagesNotBegun()
        core.counters.subtract(.queuedBytes, UInt64(waited - outbox.bytes))
        awaitClose()
        guard !outbox.isEmpty else { return send(closeFrame) }
        outbox.insertClose(closeFrame)
        core.counters.add(.queuedBytes, UInt64(closeFrame.count))
    }

    /// The peer's close frame came, and it may send no more data (RFC 6455 §5.5.1): when our answer is on its way, and all that was sent before it,
    /// the server closes first (§7.1.1), at once (docs/decisions/0010). Otherwise it is waited until the peer has it all: also when it owes us a
    /// pong, which would meet a closed socket.
    func answerClose(_ closeFrame: [UInt8]) {
        guard hasNothingQueued, pingSentAt == 0 else {
            beginClosing(closeFrame, .clientLeft)
            return finish()
        }
        switch stream.sendLast(closeFrame.span) {
        case .failed(let error): return fail(error)
        case .sent(let count):
            core.counters.add(.sentBytes, UInt64(count))
            if count == closeFrame.count {
                if stream.canCloseBehind(last: count, ofLittle: wasSentLittle) { return cut(.clientLeft) }
                leave(.clientLeft)
            } else {
                leave(.clientLeft)
                outbox.append(closeFrame, sent: count)
                beganToLag()
            }
        }
        finish()
    }

    /// No more than the handshake's answer and what greets it: it got no event, and said nothing before its close frame that could be answered.
    private var wasSentLittle: Bool { delivered == 0 && !hasSpoken }

    /// The first `ending` counts; nil where it has left.
    private func leave(_ ending: Ending?) {
        if isOpen, let ending { recordClosure(ending) }
        if let gauge { core.counters.subtract(.connections, label: Int(gauge)) }
        if gauge != nil, transport == .eventStream { core.counters.subtract(.eventStreams) }
        gauge = nil
        guard let session else { return }
        if catchUp != nil { endCatchUp() }
        core.fanOut.remove(self, from: session)
        core.left(session, encoding, id)
        self.session = nil
    }

    /// Nothing more to say: FIN, and until the peer's own (or the deadline) whatever it sends is thrown away, so that no RST overtakes the close frame.
    func finish() {
        switch state {
        case .finishing, .closed: return
        case .open, .closing: break
        }
        state = .finishing(deadline: core.now + core.plan.closeTimeout)
        core.schedule(self, at: core.now + core.plan.closeTimeout)
        if hasNothingQueued { stream.finishSending() }
    }

    func streamDidReachEnd(_ stream: TCPStream) {
        // Who has said goodbye and waits for ours may close its side first; ours may still be behind a message that has begun (§5.5.1).
        if isOpen, transport == .eventStream { closeCode = .goingAway }
        guard !isOpen, !outbox.isEmpty else {
            return cut(transport == .eventStream ? .clientLeft : .endedWithoutClose, abortively: !outbox.isEmpty)
        }
        peerHasEnded = true
    }

    func stream(_ stream: TCPStream, didFail error: SystemError) { cut(Ending(reading: error)) }

    func fail(_ error: SystemError) {
        core.counters.add(.sendErrors)
        cut(.sendError)
    }

    /// Ends the connection now. The place is free afterwards. Who had its time and did not read, or says that it sends no more while it does
    /// not read, is cut off `abortively`: the kernel would keep what it did not take, up to minutes, and a herd of such clients would fill its
    /// memory.
    func cut(_ ending: Ending?, abortively isAbortive: Bool = false) {
        if case .closed = state { return }
        leave(ending)
        core.counters.subtract(.queuedBytes, UInt64(outbox.bytes))
        core.counters.add(.closes, label: Metric.closeIndex(closeCode?.rawValue ?? 1006))
        if !hasNothingQueued { outbox = Outbox() }
        state = .closed
        if isAbortive { stream.reset() } else { stream.close() }
        core.connectionClosed(ref, admission)
    }

    func gatewayStops(hard: Bool) { if hard { cut(.draining) } else { closeForDraining(retryMilliseconds: core.retryAfterMilliseconds()) } }
}

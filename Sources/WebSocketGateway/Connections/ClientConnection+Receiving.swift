internal import EventLoop
internal import Sessions
internal import WebSocket

/// What a client says: read, held to the rules and to its rates, and handled.
extension ClientConnection {
    func stream(_ stream: TCPStream, didReceive bytes: Span<UInt8>) {
        core.counters.add(.receivedBytes, UInt64(bytes.count))
        guard transport == .webSocket else { return receiveUnasked(bytes) }
        var position = 0
        do throws(ProtocolViolation) {
            // Of the last byte read the reader has made what it could: asking again would be a tenth of an echo.
            while case .open = state, position < bytes.count,
                let received = try reader.next(bytes, at: &position, reusing: &core.spareMessage)
            {
                try receive(received)
                if mode == .echo, received.payloadBytes <= Self.sparedBytesMax { received.leaveRoom(in: &core.spareMessage) }
            }
            if case .closing = state { try awaitClose(bytes, &position) }
        } catch {
            core.counters.add(.protocolViolations, label: Metric.violationIndex(error))
            core.log.violation(error, at: bytesRead + UInt64(position), connection: id, address: address)
            if case .open = state { close(error.closeCode, Ending(error), reason: error.message, finish: true) } else { finish() }
        }
        bytesRead += UInt64(position)
        if clock.noteMessage(isUnfinished: reader.isMidMessage, now: core.now) {
            core.schedule(self, at: core.now + core.plan.messageTimeout)
        }
    }

    /// Of longer messages the room is not kept.
    private static let sparedBytesMax = 4096

    /// Loop milliseconds since the peer was heard.
    func silence(now: UInt64) -> UInt64 { clock.silence(now: now) }

    // What follows, down to the send, is one function once it is compiled: a return behind a send is dear, as the kernel's calls seem to have pushed ours
    // out of the processor's return stack (docs/decisions/0033).

    /// Notes that the peer lives, and holds it to its rates before any work is done for what it sent.
    @inline(__always)
    private func receive(_ received: Received) throws(ProtocolViolation) {
        clock.heard(now: core.now)
        lastHeardAt = core.turnTime.microsecondsSince1970
        let kind = received.kind
        core.counters.add(.clientMessages, label: kind.rawValue)
        switch kind {
        case .text, .binary: clock.messageEnded()
        case .ping, .pong: break
        // Leaving is never too fast.
        case .close: return handleApart(received)
        }
        hasSpoken = true
        switch meter.receive(bytes: received.payloadBytes, now: core.now, core.plan.messageLimits) {
        case .allowed:
            // What is handed on as it is, is not copied.
            if case .compressed(let opcode, let bytes, let frames) = received {
                handleApart(try opened(opcode, bytes, frames))
            } else {
                handle(received)
            }
        case .excess(let rate, let isFirst):
            core.counters.add(.rateLimited, label: Metric.rateLabel(rate))
            note(.rateLimited)
            if case .ping(let payload) = received { owePong(payload) }
            if isFirst, mode == .session { ClientCommands.refuseForRate(received, from: self) }
        case .flood(let rate):
            core.counters.add(.rateLimited, label: Metric.rateLabel(rate))
            // Finished at once: while a close frame is awaited what comes is still parsed, and the flood would have a worker for that time.
            close(.rateLimited, .rateLimited, reason: "too many messages", finish: true)
        }
    }

    /// A compressed message, inflated to at most what a plain one may hold.
    private func opened(_ opcode: Opcode, _ bytes: [UInt8], _ frames: Int) throws(ProtocolViolation) -> Received {
        guard let inflater = core.inflater else { throw .messageTooBig }
        let message = try CompressedMessage.open(opcode, bytes, frames: frames, with: inflater, max: reader.messageBytesMax)
        meter.inflated(by: message.payloadBytes - bytes.count, now: core.now, core.plan.messageLimits)
        return message
    }

    /// After our own close frame only the peer's still matters (RFC 6455 §5.5.1).
    private func awaitClose(_ bytes: Span<UInt8>, _ position: inout Int) throws(ProtocolViolation) {
        while let received = try reader.next(bytes, at: &position) {
            if received.kind == .close {
                core.counters.add(.clientMessages, label: Received.Kind.close.rawValue)
                return finish()
            }
            // A flood behind our Close is no more worth reading than before.
            if case .flood = meter.receive(bytes: received.payloadBytes, now: core.now, core.plan.messageLimits) { return finish() }
        }
    }

    @inline(__always)
    private func handle(_ received: Received) {
        switch received {
        case .text(let message):
            if mode == .echo { echo(.text, message) } else { ClientCommands.handle(message, from: self) }
        case .binary(let message):
            if mode == .echo { echo(.binary, message) } else { close(.unsupportedData, .binaryMessage, reason: "commands are text") }
        case .ping(let payload):
            pongOwed = nil
            sendPong(payload)
        case .pong:
            if pingSentAt > 0 {
                roundTrip = Clocks.monotonicNanoseconds &- pingSentAt
                pingSentAt = 0
                noteRoundTrip()
                if let session { core.fanOut.promote(self, in: session) }
            }
        case .compressed: preconditionFailure("a compressed message is opened before it is handled")
        case .close(let code, _):
            closeCode = code ?? CloseCode(rawValue: 1005)
            answerClose(code.map { FrameEncoder.close($0) } ?? FrameEncoder.frame(.close, []))
        }
    }

    /// For what is no plain message.
    private func handleApart(_ received: Received) { handle(received) }

    func sendPong(_ payload: [UInt8]) {
        let frame = FrameEncoder.frame(.pong, payload)
        guard !hasNothingQueued else { return send(frame) }
        let more = outbox.insertPong(frame)
        if more >= 0 { core.counters.add(.queuedBytes, UInt64(more)) } else { core.counters.subtract(.queuedBytes, UInt64(-more)) }
    }

    /// Of many pings the last one's pong is enough (RFC 6455 §5.5.3), but it is owed even to who pings too fast.
    private func owePong(_ payload: [UInt8]) {
        pongOwed = payload
        clock.pongDue = clock.pongDue ?? core.now + Self.pongDelay
        if let due = clock.pongDue { core.schedule(self, at: due) }
    }

    /// Milliseconds.
    private static let pongDelay: UInt64 = 1000

    @inline(__always)
    private func sendFrame(_ opcode: Opcode, _ payload: [UInt8], rsv1: Bool) {
        if let count = FrameEncoder.write(opcode, payload.span, rsv1: rsv1, over: &core.frameRoom) {
            var room: [UInt8] = []
            swap(&room, &core.frameRoom)
            send(copying: room.span.extracting(..<count))
            swap(&room, &core.frameRoom)
        } else {
            send(FrameEncoder.frame(opcode, payload, rsv1: rsv1))
        }
    }

    @inline(__always)
    private func echo(_ opcode: Opcode, _ message: [UInt8]) {
        if encoding != .plain, let smaller = core.deflater(encoding)?.deflate(message.span) {
            sendFrame(opcode, smaller, rsv1: true)
        } else {
            sendFrame(opcode, message, rsv1: false)
        }
        // An echo client that does not read must not be read either.
        if outbox.bytes > core.plan.settings.writeQueueBytesMax * 32 { closeSlow(.queueFull, "write queue full") }
    }
}

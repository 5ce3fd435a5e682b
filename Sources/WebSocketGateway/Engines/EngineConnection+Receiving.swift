internal import EventLoop
internal import Sessions
internal import WebSocket

/// What an engine says.
extension EngineConnection {
    func stream(_ stream: TCPStream, didReceive bytes: Span<UInt8>) {
        core.counters.add(.receivedBytes, UInt64(bytes.count))
        guard backlog.isEmpty, !isHeldBack || !isOpen else {
            unsafe bytes.withUnsafeBufferPointer { unsafe backlog.append(contentsOf: $0) }
            return stream.pauseReading()
        }
        read(bytes)
    }

    private func read(_ bytes: Span<UInt8>) {
        var position = 0
        do throws(ProtocolViolation) {
            while isOpen, !isHeldBack, position < bytes.count, let received = try reader.next(bytes, at: &position) {
                clock.heard(now: core.now)
                clock.messageEnded()
                handle(received)
            }
            if case .closing = state { try awaitClose(bytes, &position) }
        } catch {
            core.counters.add(.protocolViolations, label: Metric.violationIndex(error))
            core.log.violation(error, at: bytesRead + UInt64(position), engine: address)
            if isOpen { close(error.closeCode, reason: error.message, finish: true) } else { finish() }
        }
        bytesRead += UInt64(position)
        guard isOpen else { return }
        if clock.noteMessage(isUnfinished: reader.isMidMessage, now: core.now) {
            core.schedule(self, ref: ref, at: core.now + core.plan.messageTimeout)
        }
        guard position < bytes.count else { return }
        unsafe bytes.extracting(position...).withUnsafeBufferPointer { unsafe backlog.append(contentsOf: $0) }
        stream.pauseReading()
    }

    /// Goes on with what was held back.
    func resume() {
        guard isOpen, !isHeldBack else { return }
        if !backlog.isEmpty {
            let bytes = backlog
            backlog = []
            read(bytes.span)
        }
        if isOpen, !isHeldBack, backlog.isEmpty { stream.startReading() }
    }

    /// After our own Close only the peer's still matters.
    private func awaitClose(_ bytes: Span<UInt8>, _ position: inout Int) throws(ProtocolViolation) {
        while position < bytes.count, let received = try reader.next(bytes, at: &position) {
            if received.kind == .close { return finish() }
        }
    }

    private func handle(_ received: Received) {
        switch received {
        case .text(let message): receive(message)
        case .binary: close(.unsupportedData, reason: "messages are text")
        case .ping(let payload): append(FrameEncoder.frame(.pong, payload))
        case .pong: break
        case .close(let code, _): answerClose(code)
        case .compressed: preconditionFailure("compression is not agreed with engines")
        }
    }

    // MARK: Messages

    private func receive(_ message: [UInt8]) {
        guard isAdmitted else { return closeForNewKeys() }
        do throws(InvalidEngineMessage) {
            let (said, refRange) = try EngineMessage.parse(message.span, limits: core.plan.eventLimits, knownSession: lastSession)
            let ref = refRange.map { Self.copied(message, $0) }
            switch said {
            case .publish(let publish):
                lastSession = publish.session
                self.publish(publish, message, ref)
            case .serve(let session): core.tell(.serve(session, id, ref: ref), to: core.board.home(of: session))
            case .release(let session): core.tell(.release(session, id, ref: ref), to: core.board.home(of: session))
            case .reply(let reply): self.reply(reply)
            }
        } catch {
            var details: JSONObject = [:]
            if let place = error.place {
                details = ["place": .string(place.place), "offset": .int(Int64(place.offset)), "reason": .string(place.reason)]
            }
            refuse(error.code, error.message, details, ref: error.ref.map { Self.copied(message, $0) })
        }
    }

    /// By pointer: an array of a slice of another copies byte by byte.
    private static func copied(_ message: [UInt8], _ range: Range<Int>) -> [UInt8] {
        unsafe message.span.extracting(range).withUnsafeBufferPointer { unsafe Array($0) }
    }

    private func refuse(_ code: String, _ message: String, _ details: JSONObject = [:], ref: [UInt8]?) {
        append(LinkMessages.error(code, message, details: details, ref: ref))
    }

    private func reply(_ reply: EngineMessage.Reply) {
        let id = reply.commandID
        guard id.worker < core.board.mailboxes.count else { return append(LinkMessages.expired(id)) }
        core.tell(.reply(id, self.id, CommandAnswer(reply.outcome)), to: id.worker)
    }

    // MARK: Publishing

    private func publish(_ publish: EngineMessage.Publish, _ message: [UInt8], _ ref: [UInt8]?) {
        var key: PublishKey?
        if let text = publish.key {
            guard (1...PublishKey.bytesMax).contains(text.utf8.count), text.utf8.allSatisfy(PublishKey.allows) else {
                core.counters.add(.publishRequests, label: 1)
                return refuse("INVALID_IDEMPOTENCY_KEY", "key is 1 to \(PublishKey.bytesMax) visible ASCII characters", ref: ref)
            }
            key = PublishKey(text: text, body: Self.copied(message, publish.content), isBatch: publish.isBatch)
        }
        guard !core.isParting else { return refusePublish(.gatewayStopped, ref) }
        do throws(EngineRoutes.Refusal) { try EngineRoutes.charge(caller, events: publish.events.count, core) } catch {
            return refusePublish(error.response, ref)
        }
        let number = publishes.enter(LinkPublishes.Waiting(ref: ref, isBatch: publish.isBatch, bytes: message.count))
        core.publish(
            PublishRequest(
                session: publish.session, body: message, events: publish.events, receivedAt: Clocks.monotonicNanoseconds,
                reply: .request(worker: core.index, connection: self.ref, number: number), key: key))
    }

    func published(_ number: UInt64, _ result: Result<PublishReceipt, PublishRefusal>) {
        guard let waiting = publishes.leave(number) else { return }
        switch result {
        case .success(let receipt):
            core.counters.add(.publishRequests, label: 0)
            append(PublishAnswer(receipt: receipt, isBatch: waiting.isBatch, isEarly: false).encodedForLink(ref: waiting.ref))
        case .failure(let refusal): refusePublish(refusal, waiting.ref)
        }
        if !backlog.isEmpty || !stream.isReading { resumeAfterTurn = true }
    }

    private func refusePublish(_ refusal: PublishRefusal, _ ref: [UInt8]?) { refusePublish(EngineRoutes.response(refusal), ref) }

    /// The code, words and details of the same refusal by HTTP.
    private func refusePublish(_ response: EngineResponse, _ ref: [UInt8]?) {
        core.counters.add(.publishRequests, label: 1)
        let error = (try? JSON.parse(response.body.span))?["error"]
        refuse(
            error?["code"]?.stringValue ?? "", error?["message"]?.stringValue ?? "", error?["details"]?.objectValue ?? [:], ref: ref)
    }
}

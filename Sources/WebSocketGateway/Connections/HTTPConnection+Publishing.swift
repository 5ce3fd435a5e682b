internal import EventLoop
internal import HTTP
internal import Sessions

/// An engine's publishes: handed on as they come, answered in their order, bounded by the window.
extension HTTPConnection {
    func publish(_ route: EngineRoutes.Publish, _ head: RequestHead, _ body: [UInt8]) {
        guard !core.isParting else { return add(encode(EngineRoutes.response(.gatewayStopped), head)) }
        do throws(EngineRoutes.Refusal) {
            let checked = try route.check(head, mayHaveName: mayHaveName, by: EngineRoutes.admit(head, on: self))
            publishHeads.learn(head, checked)
            publish(checked, key: checked.key, body, keepAlive: head.keepAlive)
        } catch {
            refusePublish(error, keepAlive: head.keepAlive)
        }
    }

    /// Publishes what stands at `position` when it is all there and its head is one that was seen before; false where the parser must look.
    func publishesKnown(_ bytes: Span<UInt8>, at position: inout Int) -> Bool {
        guard isControl, isBetweenRequests, !core.isParting,
            let found = publishHeads.find(bytes, at: position, bodyBytesMax: bodyBytesMax)
        else { return false }
        // Safe: the array holds it, and nothing is learned while it is published.
        return unsafe Unmanaged.passUnretained(publishHeads.known[found.index])._withUnsafeGuaranteedRef { head in
            // A key that was taken back since is looked at again.
            if let caller = head.caller, !core.board.controlDoor.isCurrent(caller) { return false }
            if !publishesPlain(head, bytes.extracting(found.body)) { publish(found, head, bytes) }
            position = found.body.upperBound
            return true
        }
    }

    private func publish(_ found: PublishHeads.Found, _ head: PublishHeads.Known, _ bytes: Span<UInt8>) {
        publish(
            head.checked,
            key: found.key.map { unsafe bytes.extracting($0).withUnsafeBufferPointer { unsafe String(decoding: $0, as: UTF8.self) } },
            unsafe bytes.extracting(found.body).withUnsafeBufferPointer { unsafe Array($0) }, keepAlive: true)
    }

    /// The short way of nearly every publish: one event, which is read where it was received. False where it is not that, or not right: then it becomes
    /// a request, which says what is wrong with it.
    private func publishesPlain(_ head: PublishHeads.Known, _ body: Span<UInt8>) -> Bool {
        guard head.isPlain else { return false }
        // Safe: the worker has one as long as it lives.
        return unsafe Unmanaged.passUnretained(core.home)._withUnsafeGuaranteedRef { homes in
            guard let home = unsafe homes.session(for: head), let event = EventParser.single(body, limits: core.plan.eventLimits) else {
                return false
            }
            do throws(EngineRoutes.Refusal) { try EngineRoutes.charge(head.caller, events: 1, core) } catch {
                refusePublish(error, keepAlive: true)
                return true
            }
            window.enter(bytes: body.count)
            let number = answers.reserve(AnswerPipeline.Awaited(keepAlive: true))
            unsafe home._withUnsafeGuaranteedRef { homes.publish(event, of: body, at: readMoment, to: $0, for: ref, number) }
            return true
        }
    }

    /// One time for all that was read together: the clocks are asked once.
    private var readMoment: (wall: Timestamp, nanoseconds: UInt64) {
        if let readAt { return readAt }
        let now = (core.wallTime, Clocks.monotonicNanoseconds)
        readAt = now
        return now
    }

    private func publish(_ checked: EngineRoutes.Publish.Checked, key: String?, _ body: [UInt8], keepAlive: Bool) {
        do throws(EngineRoutes.Refusal) {
            let parsed = try EngineRoutes.events(body, checked.format, core.plan.eventLimits)
            try EngineRoutes.charge(checked.caller, events: parsed.events.count, core)
            if !keepAlive { closesAfterAnswers = true }
            window.enter(bytes: body.count)
            let number = answers.reserve(AnswerPipeline.Awaited(isBatch: parsed.isBatch, keepAlive: keepAlive))
            core.publish(
                PublishRequest(
                    session: checked.session, body: body, events: parsed.events, receivedAt: Clocks.monotonicNanoseconds,
                    reply: .request(worker: core.index, connection: ref, number: number), answersEarly: checked.answersEarly,
                    wait: checked.wait,
                    key: key.map { PublishKey(text: $0, body: body, isBatch: parsed.isBatch) }))
        } catch {
            refusePublish(error, keepAlive: keepAlive)
        }
    }

    /// True for a request with a body that need not be waited for: its key does not allow it. It is answered, and the connection ends with that.
    func refusesBody(of head: RequestHead) -> Bool {
        do throws(EngineRoutes.Refusal) {
            _ = try EngineRoutes.admit(head, on: self)
            return false
        } catch {
            add(encode(error.response, keepAlive: false))
            return true
        }
    }

    private func refusePublish(_ refusal: EngineRoutes.Refusal, keepAlive: Bool) {
        core.counters.add(.publishRequests, label: 1)
        add(encode(refusal.response, keepAlive: keepAlive))
    }

    func published(_ number: UInt64, _ result: Result<PublishReceipt, PublishRefusal>, isEarly: Bool) {
        guard let awaited = answers.awaited(number) else { return }
        switch result {
        case .success(let receipt):
            core.counters.add(.publishRequests, label: 0)
            var answer: [UInt8] = []
            PublishAnswer(receipt: receipt, isBatch: awaited.isBatch, isEarly: isEarly).append(
                to: &answer, keepAlive: awaited.keepAlive, date: core.dateLine)
            fill(number, answer)
        case .failure(let refusal):
            core.counters.add(.publishRequests, label: 1)
            let response = EngineRoutes.response(refusal)
            core.counters.add(.httpErrors, label: Metric.statusIndex(response.status.code))
            fill(number, response.encoded(keepAlive: awaited.keepAlive, date: core.dateLine))
        }
        if !isEarly { publishSettled() }
    }

    /// As above, of one event that is delivered.
    func published(_ number: UInt64, _ publish: SinglePublish) {
        guard let awaited = answers.awaited(number), !awaited.isBatch else {
            return published(number, .success(publish.receipt), isEarly: false)
        }
        core.counters.add(.publishRequests, label: 0)
        answers.fill(number, publish, keepAlive: awaited.keepAlive)
        publishSettled()
    }

    /// One publish has been delivered: its place in the window is free.
    func publishSettled() {
        window.leave()
        if !backlog.isEmpty || hasDeferred || !stream.isReading { resumeAfterTurn = true }
        writeLater()
    }
}

internal import EventLoop
internal import HTTP
internal import Sessions

/// An engine's publishes: handed on as they come, answered in their order, bounded by the window.
extension HTTPConnection {
    func publish(_ route: EngineRoutes.Publish, _ head: RequestHead, _ body: [UInt8]) {
        guard !core.isParting else { return add(encode(EngineRoutes.response(.gatewayStopped), head)) }
        switch route.check(head, body, limits: core.plan.eventLimits) {
        case .failure(let refusal):
            core.counters.add(.publishRequests, label: 1)
            add(encode(refusal.response, head))
        case .success(let checked):
            if !head.keepAlive { closesAfterAnswers = true }
            window.enter(bytes: body.count)
            let number = answers.reserve(AnswerPipeline.Awaited(isBatch: checked.isBatch, keepAlive: head.keepAlive))
            core.publish(
                PublishRequest(
                    session: checked.session, body: body, events: checked.events, receivedAt: Clocks.monotonicNanoseconds,
                    reply: .request(worker: core.index, connection: ref, number: number), answersEarly: checked.answersEarly))
        }
    }

    func published(_ number: UInt64, _ result: Result<PublishReceipt, PublishRefusal>, isEarly: Bool) {
        guard let awaited = answers.awaited(number) else { return }
        switch result {
        case .success(let receipt):
            core.counters.add(.publishRequests, label: 0)
            fill(
                number,
                EngineResponse.published(
                    receipt, isBatch: awaited.isBatch, isEarly: isEarly, keepAlive: awaited.keepAlive, date: core.dateLine,
                    scratch: &core.scratch))
        case .failure(let refusal):
            core.counters.add(.publishRequests, label: 1)
            core.counters.add(.httpErrors, label: Metric.statusIndex(503))
            fill(number, EngineRoutes.response(refusal).encoded(keepAlive: awaited.keepAlive, date: core.dateLine))
        }
        if !isEarly { publishSettled() }
    }

    /// One publish has been delivered: its place in the window is free.
    func publishSettled() {
        window.leave()
        if !backlog.isEmpty || hasDeferred || !stream.isReading { resumeAfterTurn = true }
        writeLater()
    }
}

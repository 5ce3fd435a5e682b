internal import EventLoop
internal import HTTP

/// What an HTTP connection must have done, and by when.
extension HTTPConnection {
    func schedule() {
        if let next = nextDeadline { core.schedule(self, ref: ref, at: next) }
    }

    private var nextDeadline: UInt64? {
        switch state {
        case .gone: return nil
        case .finishing(let deadline): return deadline
        case .open: break
        }
        if let writeDeadline { return min(writeDeadline, requestDeadline ?? .max) }
        return requestDeadline ?? idleDeadline
    }

    private var writeDeadline: UInt64? { output.isEmpty ? nil : lastProgress + core.plan.writeTimeout }

    /// Runs while we read: what we hold back is not late.
    private var requestDeadline: UInt64? {
        guard stream.isReading else { return nil }
        return requestStarted.map { $0 + core.plan.requestHeadTimeout } ?? bodyStarted.map { $0 + core.plan.requestBodyTimeout }
    }

    private var idleDeadline: UInt64? {
        guard output.isEmpty, requestStarted == nil, bodyStarted == nil, answers.isEmpty, !isExclusive else { return nil }
        return lastActivity + core.plan.idleTimeout
    }

    func deadlineReached(now: UInt64) -> UInt64? {
        guard let deadline = nextDeadline, now >= deadline else { return nextDeadline }
        switch state {
        case .gone: return nil
        case .finishing: cut(abortively: true)
        case .open:
            if let requestDeadline, now >= requestDeadline, writeDeadline.map({ now < $0 }) ?? true {
                requestIsLate()
            } else {
                cut(abortively: !output.isEmpty)
            }
        }
        return nextDeadline
    }

    func planChanged(from earlier: Plan) {
        guard
            core.plan.requestHeadTimeout != earlier.requestHeadTimeout || core.plan.requestBodyTimeout != earlier.requestBodyTimeout
                || core.plan.idleTimeout != earlier.idleTimeout || core.plan.writeTimeout != earlier.writeTimeout
        else { return }
        lastActivity = core.now
        lastProgress = core.now
        if requestStarted != nil { requestStarted = core.now }
        if bodyStarted != nil { bodyStarted = core.now }
        schedule()
    }

    /// A request under way gets its answer; a connection that never began one is not told anything it asked for.
    private func requestIsLate() {
        closesAfterAnswers = true
        if !isControl { core.counters.add(.handshakes, label: HandshakeOutcome.timeout.index) }
        core.counters.add(.httpErrors, label: Metric.statusIndex(408))
        add(
            EngineResponse.error(.requestTimeout, "REQUEST_TIMEOUT", "the request was not finished in time").encoded(
                keepAlive: false, date: core.dateLine))
        requestStarted = nil
        bodyStarted = nil
    }
}

internal import EventLoop

/// What other settings mean to a connection that stands (docs/decisions/0025): its sizes stay, its rates and time-outs change.
extension ClientConnection {
    func planChanged(from earlier: Plan) {
        if core.plan.messageLimits != earlier.messageLimits { meter.limitsChanged(now: core.now, core.plan.messageLimits) }
        guard core.plan.heardLimits != earlier.heardLimits || core.plan.heartbeatInterval != earlier.heartbeatInterval else { return }
        clock.limitsChanged(now: core.now, heartbeatBy: core.now + core.jittered(core.plan.heartbeatInterval))
        if transport == .eventStream { stream.setUserTimeout(milliseconds: Int32(clamping: core.plan.staleTimeout)) }
        scheduleNextDeadline()
    }
}

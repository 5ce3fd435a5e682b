internal import HTTP

/// Which key a request of the control listener needs, and the answers to those without it.
extension EngineRoutes {
    /// Nil: none. Load balancers and orchestrators ask for health without keys.
    static func scope(_ head: RequestHead) -> APIScope? {
        let looks = head.method == .get || head.method == .head
        let path = head.path
        if looks, path == "/healthz" || path == "/readyz" { return nil }
        if path == "/v1/engine" { return .publish }
        if looks { return .read }
        return head.method == .post && (path == "/v1/events" || path.hasSuffix("/events")) ? .publish : .manage
    }

    /// Who asks; nil where nobody needs to say. Counts and answers who may not.
    static func admit(_ head: RequestHead, on connection: HTTPConnection) throws(Refusal) -> ControlDoor.Caller? {
        let core = connection.core
        guard core.board.controlDoor.asksForKeys, let scope = scope(head) else { return nil }
        do throws(ControlDoor.Denial) {
            let key = head.count("authorization") == 1 ? BearerToken.inHeader(head) : nil
            return try core.board.controlDoor.admit(key, scope)
        } catch {
            core.counters.add(.keyRefusals, label: error.refusal.index)
            core.log.keyRefused(error, scope, peer: connection.peer)
            if error.refusal == .scope {
                throw Refusal(.forbidden, "FORBIDDEN", "this key has not the scope", details: ["scope": .string(scope.rawValue)])
            }
            // Whoever has a key that is good is never held to what others of its address try.
            let wait = core.mayFail(connection.peer)
            guard wait == 0 else {
                throw Refusal(
                    .error(.tooManyRequests, "RATE_LIMITED", "this address has shown too many keys that are none", retryAfterSeconds: wait))
            }
            if error.refusal == .unknown { core.noteFailure(connection.peer) }
            throw Refusal(
                .unauthorized, "UNAUTHORIZED", "an API key is needed: Authorization: Bearer KEY", headers: [("WWW-Authenticate", "Bearer")])
        }
    }

    /// Holds a key to its rate of published events.
    static func charge(_ caller: ControlDoor.Caller?, events: Int, _ core: WorkerCore) throws(Refusal) {
        guard let caller else { return }
        let wait = core.board.controlDoor.publish(events, by: caller, now: core.now, core.plan.publishRate)
        guard wait > 0 else { return }
        core.counters.add(.keyRefusals, label: ControlDoor.Refusal.rate.index)
        throw Refusal(
            .error(
                .tooManyRequests, "RATE_LIMITED", "this key publishes too fast; nothing was published",
                retryAfterSeconds: Int(wait + 999) / 1000))
    }
}

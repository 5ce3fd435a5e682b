internal import EventLoop
internal import Sessions
internal import WebSocket

/// For how long a client may stay, and how it shows a new token.
extension ClientConnection {
    /// Before it is a member.
    func admit(_ identity: Identity?, _ access: SessionAccess) {
        self.identity = identity
        if case .owner = access { isOwner = true }
        let lifetime = core.plan.connectionLifetimeMax
        // Spread: those who came at once do not leave, and come back, at once.
        if lifetime > 0 { lifetimeEndsAt = core.now + lifetime - core.random(below: lifetime / 10 + 1) }
        planDeparture()
    }

    /// The first of the two ends, in the loop's time.
    private func planDeparture() {
        var end = lifetimeEndsAt
        if core.plan.settings.tokenExpiry == .close, let expiresAt = identity?.expiresAt {
            let left = max(0, expiresAt - core.wallTime.microsecondsSince1970 + TokenClaims.leeway)
            end = min(end, core.now + UInt64(left) / 1000)
        }
        clock.departure = end == .max ? nil : end
    }

    func depart() {
        guard core.now < lifetimeEndsAt else {
            let wait = core.retryAfterMilliseconds()
            return close(.serviceRestart, .lifetimeOver, reason: "lifetime over; retry-after-ms=\(wait)", retryMilliseconds: wait)
        }
        close(.unauthorized, .tokenExpired, reason: "token expired")
    }

    /// `{"action":"authenticate","token":…}`: the new token takes the old one's place if it is good, of the same subject, and opens this session as the old
    /// one did. Otherwise nothing changes.
    func authenticate(_ command: ClientCommand, _ message: [UInt8]) {
        do throws(TokenFault) {
            guard let token = StrictJSON.object(message.span)?["token"]?.stringValue else { throw .missing }
            let renewed = try core.identify(token.utf8.span, from: address)
            guard let identity, renewed.isSubject(identity.subject), let session, isOwner || renewed.sessions.names(session.id) else {
                throw .claims
            }
            core.counters.add(.authentications, label: Metric.authenticationAcceptedLabel)
            self.identity = renewed
            planDeparture()
            if let departure = clock.departure { core.schedule(self, at: departure) }
            sendOwn(OwnMessages.message("command_ack", ClientCommands.details(command), at: core.wallTime, for: transport))
        } catch {
            core.note(error, from: address)
            let (code, text) =
                error == .rate
                ? ("RATE_LIMITED", "too many tokens that are none came from this address")
                : ("UNAUTHORIZED", "the token is not accepted; what was in force stays")
            sendOwn(OwnMessages.error(code, text, details: ClientCommands.details(command), now: core.wallTime, for: transport))
        }
    }
}

internal import EventLoop
internal import HTTP
internal import Sessions
internal import WebSocket

/// Who a client is, and which sessions are open to it (docs/decisions/0019).
///
/// Flow: ClientRoutes → **ClientRoutes+Tokens** → TokenDoor → SessionAccess → SessionHome.join
extension ClientRoutes {
    /// One answer for every token that lets nobody in, and for none: whoever guesses learns nothing.
    static let unauthorized = Refusal(
        outcome: .unauthorized,
        response: .error(.unauthorized, "UNAUTHORIZED", "a valid token is needed", headers: [("WWW-Authenticate", "Bearer")]),
        inside: ("UNAUTHORIZED", .unauthorized))

    /// It says nothing of the token, which is not looked at: come back with the same one.
    private static let keysMissing = Refusal(
        outcome: .noKeys,
        response: .error(.serviceUnavailable, "NO_KEYS", "tokens cannot be judged now; try again", retryAfterSeconds: 5))

    static let notOwner = Refusal(
        outcome: .forbidden, response: .error(.forbidden, "FORBIDDEN", "this session is not open to the token's subject"),
        inside: ("FORBIDDEN", .forbidden))

    /// The query, and whether it is only the token in it that two readers could understand differently: that is a token's failure like any other.
    static func query(_ head: RequestHead, asksForTokens: Bool) throws(Refusal) -> (QueryParameters, TokenFault?) {
        do throws(QueryError) {
            return (try QueryParameters(head.query), nil)
        } catch {
            switch error {
            case .duplicate("token"), .escapeMalformed("token"), .notUTF8("token"):
                guard asksForTokens, let none = try? QueryParameters(nil) else { throw malformed(error.message) }
                return (none, .ambiguous)
            default: throw malformed(error.message)
            }
        }
    }

    /// Nil: anonymous.
    static func identify(_ head: RequestHead, _ query: QueryParameters, from address: SocketAddress, _ core: WorkerCore) throws(TokenFault)
        -> Identity?
    {
        guard core.board.door.asksForTokens else { return nil }
        guard let token = try BearerToken.find(head, query) else {
            guard core.plan.settings.allowAnonymous else { throw .missing }
            return nil
        }
        let identity = try core.identify(token.span, from: address)
        core.counters.add(.authentications, label: Metric.authenticationAcceptedLabel)
        return identity
    }

    static func refusal(_ fault: TokenFault, _ address: SocketAddress, _ core: WorkerCore) -> Refusal {
        core.note(fault, from: address)
        if fault == .noKeys { return keysMissing }
        guard fault == .rate else { return unauthorized }
        return Refusal(
            outcome: .addressRate,
            response: .error(
                .tooManyRequests, "RATE_LIMITED", "this address has shown too many tokens that are none",
                retryAfterSeconds: core.mayFail(address)),
            inside: ("RATE_LIMITED", .rateLimited))
    }

    static func access(_ identity: Identity?, to session: SessionID, _ core: WorkerCore) -> SessionAccess {
        guard core.board.door.asksForTokens else { return .open }
        guard let identity else { return .anonymous }
        return identity.sessions.names(session) ? .open : .owner(identity)
    }
}

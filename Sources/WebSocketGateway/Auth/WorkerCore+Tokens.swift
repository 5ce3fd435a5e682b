internal import EventLoop

/// Tokens, wherever a client gives one: held to its address's rate of failures, counted, and told of in the log by their fault alone.
extension WorkerCore {
    func identify(_ token: Span<UInt8>, from address: SocketAddress) throws(TokenFault) -> Identity {
        try board.door.identify(token, now: wallTime.microsecondsSince1970) {
            !isHeldToFailures(address) || board.gate.failureWait(address, now: now, plan.authenticationFailureRate) == 0
        }
    }

    /// Counts a token that let nobody in.
    func note(_ fault: TokenFault, from address: SocketAddress) {
        counters.add(.authentications, label: fault.index)
        if fault.isFailure, isHeldToFailures(address) { board.gate.fail(address, now: now, plan.authenticationFailureRate) }
        log.tokenRefused(fault, address: address)
    }

    /// As for the other limits of an address: not this machine, and not the proxies that many come through.
    private func isHeldToFailures(_ address: SocketAddress) -> Bool { !address.isLoopback && !plan.proxies.contains(address) }
}

internal import EventLoop

/// Tokens, wherever a client gives one: held to its address's rate of failures, counted, and told of in the log by their fault alone.
extension WorkerCore {
    func identify(_ token: Span<UInt8>, from address: SocketAddress) throws(TokenFault) -> Identity {
        do throws(TokenFault) {
            return try board.door.identify(token, now: wallTime.microsecondsSince1970) { mayFail(address) == 0 }
        } catch {
            if error == .unknownKey { board.keySet?.noteUnknownKey() }
            throw error
        }
    }

    /// Counts a token that let nobody in.
    func note(_ fault: TokenFault, from address: SocketAddress) {
        counters.add(.authentications, label: fault.index)
        if fault.isFailure { noteFailure(address) }
        log.tokenRefused(fault, address: address)
    }

    func noteFailure(_ address: SocketAddress) {
        if isHeldToFailures(address) { board.gate.fail(address, now: now, plan.authenticationFailureRate) }
    }

    /// 0 when the address may fail once more; otherwise so many seconds are too early.
    func mayFail(_ address: SocketAddress) -> Int {
        guard isHeldToFailures(address) else { return 0 }
        return Int(board.gate.failureWait(address, now: now, plan.authenticationFailureRate) + 999) / 1000
    }

    /// As for the other limits of an address: not this machine, and not the proxies that many come through.
    private func isHeldToFailures(_ address: SocketAddress) -> Bool { !address.isLoopback && !plan.proxies.contains(address) }
}

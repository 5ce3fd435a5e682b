internal import EventLoop
internal import WebSocket

/// What is different where the client asked for an event stream: it has said all it can say.
extension ClientConnection {
    var transport: Transport { encoding.transport }

    var clockLimits: ConnectionClock.Limits { transport.isHeard ? core.plan.heardLimits : core.plan.unheardLimits }

    /// A script reads in the reason when to come back; an `EventSource` does it by itself.
    func closeForDraining(retryMilliseconds: Int) {
        close(.serviceRestart, .draining, reason: "draining; retry-after-ms=\(retryMilliseconds)", retryMilliseconds: retryMilliseconds)
    }

    /// Some programs end a request with a line break too many. More than that is another protocol, or a request that waits for an answer that never
    /// comes: it is told so by the end of the stream.
    static let unaskedBytesMax: UInt64 = 1024

    /// Bytes after the request. They are not looked at.
    func receiveUnasked(_ bytes: Span<UInt8>) {
        guard isOpen else { return }
        bytesRead += UInt64(bytes.count)
        guard bytesRead > Self.unaskedBytesMax else { return }
        closeCode = .policyViolation
        cut(.unaskedBytes, abortively: true)
    }

    /// Who cannot be heard is gone when it has not acknowledged for as long as another may be silent: each heartbeat asks.
    func watchAcknowledgements() {
        guard core.plan.staleTimeout > 0 else { return }
        stream.setUserTimeout(milliseconds: Int32(clamping: core.plan.staleTimeout))
    }
}

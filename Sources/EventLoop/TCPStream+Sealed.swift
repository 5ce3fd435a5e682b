internal import CLibuv

/// A stream with a seal, whose owner sees plaintext and does not know it. What is sealed cannot be taken back: nothing more is sealed until the kernel
/// has all of it, so that what waits stays with the owner, as it does without a seal (docs/decisions/0018).
extension TCPStream {
    /// Answers that a peer provokes and does not read; no honest one comes near it.
    static let sealedBytesMax = 131_072

    func receive(_ sealing: Sealing) {
        guard sealing.seal.mayReceive else { return }
        let buffer = unsafe loop.readBuffer
        let count = unsafe wsg_receive(descriptor, buffer.baseAddress, buffer.count)
        if count > 0 {
            let bytes = unsafe UnsafeBufferPointer(start: buffer.baseAddress, count: count)
            unsafe open(bytes.span, sealing)
        } else if count == 0 {
            reachEnd(sealing)
        } else {
            let error = SystemError.currentErrno
            if error != EAGAIN, error != EINTR { fail(error) }
        }
    }

    func open(_ bytes: Span<UInt8>, _ sealing: Sealing) {
        let result = sealing.seal.receive(bytes) { plaintext in
            handler?.stream(self, didReceive: plaintext)
            return !isClosed
        }
        guard !isClosed else { return }
        let error = flush(sealing)
        switch result {
        case .failed: fail(EPROTO)
        case _ where error != nil: fail(error!.errno)
        case .ended: reachEnd(sealing)
        case .all: if sealing.seal.outputBytes > Self.sealedBytesMax { fail(EPROTO) } else { tellWritable(sealing) }
        }
    }

    /// An owner that waits knows that something is left, and does as it likes. Any other takes all for sent, and would close the connection upon it.
    private func reachEnd(_ sealing: Sealing) {
        if sealing.hasOutput, !sealing.wantsWritable { sealing.endWaits = true } else { handler?.streamDidReachEnd(self) }
        pauseReading()
    }

    func socketBecameWritable(_ sealing: Sealing) {
        if let error = flush(sealing) { return breakOff(error) }
        guard !sealing.hasOutput else { return }
        if sealing.endWaits {
            sealing.endWaits = false
            handler?.streamDidReachEnd(self)
        }
        tellWritable(sealing)
    }

    private func tellWritable(_ sealing: Sealing) {
        guard sealing.wantsWritable, sealing.seal.isEstablished, !sealing.hasOutput, !isClosed else { return }
        sealing.wantsWritable = false
        handler?.streamBecameWritable(self)
    }

    /// Seals as much as the kernel takes, and one record more at the most. Calls nobody.
    func send(_ bytes: Span<UInt8>, _ sealing: Sealing) -> SendResult {
        // What the seal had to say itself goes first: an owner that answers within the read would be told that the kernel is full, which it is not.
        if let error = flush(sealing) { return .failed(error) }
        guard sealing.seal.isEstablished, !sealing.hasOutput else { return .sent(0) }
        var taken = 0
        while taken < bytes.count, !sealing.hasOutput {
            guard let count = sealing.seal.send(bytes.extracting(taken...)) else { return .failed(SystemError("seal", errno: EPROTO)) }
            taken += count
            if let error = flush(sealing) { return .failed(error) }
        }
        return .sent(taken)
    }

    /// What the kernel did not take of a record that was sealed without the stream.
    package func keepSealed(_ rest: Span<UInt8>) {
        guard let sealing else { return }
        sealing.seal.keep(rest)
        watch(interest | writable)
    }

    /// Hands the output to the kernel as far as it takes it, and the FIN behind it. The rest goes when the socket is writable.
    private func flush(_ sealing: Sealing) -> SystemError? {
        guard sealing.hasOutput else { return nil }
        switch sealing.seal.withOutput({ sendUnsealed($0) }) {
        case .failed(let error): return error
        case .sent(let count): sealing.seal.sent(count)
        }
        if sealing.hasOutput {
            watch(interest | writable)
        } else if sealing.finishes {
            sealing.finishes = false
            wsg_shutdown_write(descriptor)
        }
        return nil
    }

    func finishSending(_ sealing: Sealing) {
        sealing.seal.sendEnd()
        guard sealing.hasOutput else {
            wsg_shutdown_write(descriptor)
            return
        }
        sealing.finishes = true
        // Where it fails the peer is gone, and reading says so.
        _ = flush(sealing)
    }

    /// Before the socket is closed: the peer is told, where that takes no waiting (RFC 8446 §6.1).
    func sayEnd(_ sealing: Sealing) {
        guard !sealing.endsInSilence else { return }
        sealing.seal.sendEnd()
        _ = flush(sealing)
    }
}

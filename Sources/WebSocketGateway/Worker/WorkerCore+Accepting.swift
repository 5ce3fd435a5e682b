internal import EventLoop

/// From an accepted descriptor to a connection, or to a refusal.
extension WorkerCore {
    func acceptClient(_ descriptor: Int32, _ peer: SocketAddress) {
        counters.add(.connectionsAccepted, label: 0)
        if isDraining { return refuse(descriptor, .draining) }
        if plan.settings.proxyProtocol, plan.proxies.contains(peer) { return awaitProxyHeader(descriptor, peer) }
        admit(descriptor, peer, isStranger: !peer.isLoopback && !plan.proxies.contains(peer))
    }

    /// Lets a client in, as far as the limits allow. A stranger's address counts.
    func admit(_ descriptor: Int32, _ peer: SocketAddress, isStranger: Bool) {
        if isStranger {
            let wait = arrive(peer)
            guard wait == 0 else { return refuse(descriptor, .addressRate, retryAfterSeconds: wait) }
        }
        guard board.gate.enterClient(max: plan.connectionsMax) else { return refuse(descriptor, .gatewayLimit) }
        var counted: SocketAddress?
        if isStranger {
            guard board.gate.enterAddress(peer, max: plan.settings.connectionsPerAddressMax) else {
                board.gate.leave(.client(counted: nil))
                return refuse(descriptor, .addressLimit)
            }
            counted = peer
        }
        open(descriptor, peer, .client(counted: counted))
    }

    private func awaitProxyHeader(_ descriptor: Int32, _ proxy: SocketAddress) {
        guard board.gate.enterClient(max: plan.connectionsMax) else { return refuse(descriptor, .gatewayLimit) }
        let ref = table.reserve()
        let connection = ProxyHeaderConnection(self, ref: ref, proxy: proxy)
        table.set(connection, at: ref)
        do throws(SystemError) {
            try connection.start(descriptor)
        } catch {
            connectionClosed(ref, ProxyHeaderConnection.admission)
            counters.add(.acceptErrors)
            log.acceptFailed(error)
        }
    }

    /// Takes note of a new connection of the address: 0 lets it in, otherwise so many seconds are too early.
    func arrive(_ address: SocketAddress) -> Int {
        let wait = board.gate.arrive(address, now: now, plan.connectionRate)
        guard wait > 0 else { return 0 }
        counters.add(.rateLimited, label: Metric.connectionRateLabel)
        return Int((wait + 999) / 1000)
    }

    /// Counts a forwarded address for the connection, once: a client may ask several times before it is let in. False over the limit.
    func count(_ address: SocketAddress, of connection: HTTPConnection) -> Bool {
        if case .client(let counted?) = connection.admission {
            if counted == address { return true }
            board.gate.leaveAddress(counted)
            connection.admission = .client(counted: nil)
        }
        guard board.gate.enterAddress(address, max: plan.settings.connectionsPerAddressMax) else { return false }
        connection.admission = .client(counted: address)
        return true
    }

    func acceptControl(_ descriptor: Int32, _ peer: SocketAddress) {
        counters.add(.connectionsAccepted, label: 1)
        guard board.gate.enterControl(max: plan.settings.controlConnectionsMax) else { return refuse(descriptor, .controlLimit) }
        open(descriptor, peer, .control)
    }

    private func open(_ descriptor: Int32, _ peer: SocketAddress, _ admission: Admission) {
        if let tls, let context = tls.context(for: admission) { return openSealed(descriptor, peer, admission, tls, context) }
        do throws(SystemError) {
            let stream = try TCPStream(loop, descriptor: descriptor)
            let ref = table.reserve()
            let connection = HTTPConnection(self, stream, ref: ref, peer: peer, admission: admission)
            table.set(connection, at: ref)
            connection.start()
            stream.readAtOnce()
        } catch {
            board.gate.leave(admission)
            counters.add(.acceptErrors)
            log.acceptFailed(error)
        }
    }

    func refuse(_ descriptor: Int32, _ reason: RefusalReason, retryAfterSeconds: Int = 1) {
        counters.add(.connectionsRefused, label: reason.index)
        guard let stream = try? TCPStream(loop, descriptor: descriptor) else { return }
        let isSealed = tls?.context(for: reason == .controlLimit ? .control : .client(counted: nil)) != nil
        let answer = isSealed ? WorkerTLS.refusal : RefusedConnection.answer(reason, retryAfterSeconds: retryAfterSeconds, date: dateLine)
        _ = stream.send(answer.span)
        guard lingering < RefusedConnection.countMax else { return stream.close() }
        lingering += 1
        let ref = table.reserve()
        let connection = RefusedConnection(self, stream, ref: ref)
        table.set(connection, at: ref)
        connection.start()
    }
}

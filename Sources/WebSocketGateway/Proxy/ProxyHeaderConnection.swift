internal import EventLoop
internal import Logging

/// A connection of a listed proxy, from its accept until its PROXY header is read. Then it is let in, or refused, as one of the address in it, with its
/// next byte unread: what comes behind the header, TLS or HTTP, knows nothing of it (docs/decisions/0022).
///
/// Flow: FirstBytes → ProxyHeaderReader → **ProxyHeaderConnection** → WorkerCore.admit
final class ProxyHeaderConnection: Peer {
    /// Counts as a client from its accept; its address is not known yet.
    static let admission = Admission.client(counted: nil)

    var wakesAt: UInt64?
    private let core: WorkerCore
    private let ref: ConnectionRef
    private let proxy: SocketAddress
    private let deadline: UInt64
    private var socket: FirstBytes?
    private var reader = ProxyHeaderReader()

    init(_ core: WorkerCore, ref: ConnectionRef, proxy: SocketAddress) {
        self.core = core
        self.ref = ref
        self.proxy = proxy
        deadline = core.now + core.plan.requestHeadTimeout
    }

    /// Takes over the descriptor, and closes it when it throws.
    func start(_ descriptor: Int32) throws(SystemError) {
        socket = try FirstBytes(core.loop, descriptor: descriptor) { [unowned self] in receive() }
        core.schedule(self, ref: ref, at: deadline)
    }

    private func receive() {
        while let socket {
            var result = Result<ProxyHeader?, ProxyHeaderFault>.success(nil)
            let outcome = socket.receive(max: reader.bytesWanted) { bytes in
                do throws(ProxyHeaderFault) { result = .success(try reader.receive(bytes)) } catch { result = .failure(error) }
            }
            switch (outcome, result) {
            case (.received, .success(nil)): continue
            case (.received, .success(let header?)): return letIn(header)
            case (.received, .failure(let fault)): return refuse(fault)
            case (.nothing, _): return
            // A balancer that only looks whether somebody listens leaves so.
            case (.ended, _), (.failed, _): return close()
            }
        }
    }

    private func letIn(_ header: ProxyHeader) {
        guard let descriptor = leave() else { return }
        switch header {
        case .forwarded(let client): core.admit(descriptor, client, isStranger: !core.plan.proxies.contains(client))
        case .own: core.admit(descriptor, proxy, isStranger: false)
        }
    }

    private func refuse(_ fault: ProxyHeaderFault) {
        guard let descriptor = leave() else { return }
        core.log.badProxyHeader(fault.rawValue, proxy: proxy)
        core.refuse(descriptor, .proxyHeader)
    }

    func deadlineReached(now: UInt64) -> UInt64? {
        guard now >= deadline else { return deadline }
        if let descriptor = leave() {
            core.log.badProxyHeader("timeout", proxy: proxy)
            core.refuse(descriptor, .proxyHeader)
        }
        return nil
    }

    func gatewayStops(hard: Bool) { close() }

    private func close() {
        guard let socket else { return }
        self.socket = nil
        socket.close()
        core.connectionClosed(ref, Self.admission)
    }

    /// It is no connection of ours any more; nil when it was none already.
    private func leave() -> Int32? {
        guard let socket else { return nil }
        self.socket = nil
        let descriptor = socket.letGo()
        core.connectionClosed(ref, Self.admission)
        return descriptor
    }
}

extension GatewayLog {
    func badProxyHeader(_ reason: String, proxy: SocketAddress) {
        peerCaused("PROXY header refused") { ["reason": "\(reason)", "remote_address": "\(proxy)"] }
    }
}

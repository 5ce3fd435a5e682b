internal import EventLoop
internal import Synchronization

/// How a connection was let in, and what leaving gives back.
enum Admission: Sendable {
    /// From the public listener; `counted` is the address whose allowance it uses.
    case client(counted: SocketAddress?)
    case control
}

/// Counts connections against the gateway's limits, over all workers.
final class AdmissionGate: Sendable {
    private let clients = Atomic<Int>(0)
    private let controls = Atomic<Int>(0)
    /// Holds only addresses with a connection, so it is never larger than the number of connections.
    private let addresses = Locked<[SocketAddress: Int]>([:])
    private let rates = Locked(AddressRates())
    private let failures = Locked(AddressRates())

    var clientCount: Int { clients.load(ordering: .relaxed) }

    func enterClient(max: Int) -> Bool { Self.enter(clients, max) }

    func enterControl(max: Int) -> Bool { Self.enter(controls, max) }

    private static func enter(_ count: borrowing Atomic<Int>, _ max: Int) -> Bool {
        if count.add(1, ordering: .relaxed).newValue <= max { return true }
        count.subtract(1, ordering: .relaxed)
        return false
    }

    func enterAddress(_ address: SocketAddress, max: Int) -> Bool {
        addresses.withLock { counts in
            let key = Self.key(address)
            let count = counts[key, default: 0]
            guard count < max else { return false }
            counts[key] = count + 1
            return true
        }
    }

    /// A new connection of the address: 0 lets it in, otherwise so many milliseconds are too early.
    func arrive(_ address: SocketAddress, now: UInt64, _ limit: RateLimit) -> UInt64 {
        rates.withLock { $0.arrive(Self.key(address), now: now, limit) }
    }

    /// A token of the address was none of ours.
    func fail(_ address: SocketAddress, now: UInt64, _ limit: RateLimit) {
        failures.withLock { _ = $0.arrive(Self.key(address), now: now, limit) }
    }

    /// For how many milliseconds no token of the address is looked at: it has failed too often.
    func failureWait(_ address: SocketAddress, now: UInt64, _ limit: RateLimit) -> UInt64 {
        failures.withLock { $0.wait(Self.key(address), now: now, limit) }
    }

    func leave(_ admission: Admission) {
        switch admission {
        case .control: controls.subtract(1, ordering: .relaxed)
        case .client(let counted):
            clients.subtract(1, ordering: .relaxed)
            if let counted { leaveAddress(counted) }
        }
    }

    func leaveAddress(_ address: SocketAddress) {
        addresses.withLock { counts in
            let key = Self.key(address)
            let count = counts[key, default: 0]
            counts[key] = count > 1 ? count - 1 : nil
        }
    }

    /// An IPv6 user owns a /64: its addresses count as one.
    private static func key(_ address: SocketAddress) -> SocketAddress {
        SocketAddress(high: address.high, low: address.isIPv4 ? address.low : 0, port: 0)
    }
}

internal import EventLoop

/// Where a connection lives on its worker. The generation tells it from later users of the same place.
struct ConnectionRef: Sendable, Hashable {
    let slot: UInt32
    let generation: UInt32
}

/// Anything that owns a TCP connection on a worker.
protocol Peer: AnyObject {
    /// When the timer wheel will call next, loop milliseconds; nil while it will not.
    var wakesAt: UInt64? { get set }
    /// Does what is due, and returns when the next thing is.
    func deadlineReached(now: UInt64) -> UInt64?
    /// The gateway is stopping; `hard` means now.
    func gatewayStops(hard: Bool)
    /// Other settings are in force. What is under way has the new times from now on: nobody is closed for what was good before.
    func planChanged(from earlier: Plan)
}

extension Peer {
    func planChanged(from earlier: Plan) {}
}

/// A peer that has a stream of it.
protocol StreamPeer: Peer, TCPStreamHandler {
    var stream: TCPStream { get }
}

/// The connections of one worker, by slot and generation.
struct ConnectionTable {
    private struct Slot {
        var peer: (any Peer)?
        var generation: UInt32 = 0
    }

    private var slots: ContiguousArray<Slot> = []
    private var free: [UInt32] = []
    private(set) var count = 0

    /// Reserves a place; ``set(_:at:)`` fills it.
    mutating func reserve() -> ConnectionRef {
        count += 1
        if let slot = free.popLast() { return ConnectionRef(slot: slot, generation: slots[Int(slot)].generation) }
        slots.append(Slot())
        return ConnectionRef(slot: UInt32(slots.count - 1), generation: 0)
    }

    mutating func set(_ peer: any Peer, at ref: ConnectionRef) {
        precondition(slots[Int(ref.slot)].generation == ref.generation, "a connection was put in a place that is not its own")
        slots[Int(ref.slot)].peer = peer
    }

    subscript(ref: ConnectionRef) -> (any Peer)? {
        guard Int(ref.slot) < slots.count, slots[Int(ref.slot)].generation == ref.generation else { return nil }
        return slots[Int(ref.slot)].peer
    }

    /// Whoever is at the slot now.
    subscript(slot: UInt32) -> (any Peer)? { Int(slot) < slots.count ? slots[Int(slot)].peer : nil }

    mutating func remove(_ ref: ConnectionRef) {
        guard Int(ref.slot) < slots.count, slots[Int(ref.slot)].generation == ref.generation else { return }
        slots[Int(ref.slot)].peer = nil
        slots[Int(ref.slot)].generation &+= 1
        free.append(ref.slot)
        count -= 1
    }

    var all: [any Peer] { slots.compactMap(\.peer) }
}

import EventLoop
import Testing

@testable import WebSocketGateway

@Suite("The table of connections")
struct ConnectionTableTests {
    private final class FakePeer: Peer {
        var stream: TCPStream { preconditionFailure("not asked for") }
        var wakesAt: UInt64?
        func deadlineReached(now: UInt64) -> UInt64? { nil }
        func gatewayStops(hard: Bool) {}
        func stream(_ stream: TCPStream, didReceive bytes: Span<UInt8>) {}
        func streamDidReachEnd(_ stream: TCPStream) {}
        func stream(_ stream: TCPStream, didFail error: SystemError) {}
        func streamBecameWritable(_ stream: TCPStream) {}
    }

    @Test func `a connection is found by its place, by slot too`() {
        var table = ConnectionTable()
        let peers = (0..<3).map { _ in FakePeer() }
        let refs = peers.map { peer in
            let ref = table.reserve()
            table.set(peer, at: ref)
            return ref
        }
        #expect(table.count == 3)
        for (peer, ref) in zip(peers, refs) {
            #expect(table[ref] === peer)
            #expect(table[ref.slot] === peer)
        }
        #expect(table.all.count == 3)
        #expect(Set(refs.map(\.slot)) == [0, 1, 2])
    }

    @Test func `a reserved place is empty until it is filled`() {
        var table = ConnectionTable()
        let ref = table.reserve()
        #expect(table[ref] == nil)
        #expect(table.count == 1)
        #expect(table.all.isEmpty)
    }

    @Test func `who uses a place again is not taken for who was there`() {
        var table = ConnectionTable()
        let (old, new) = (FakePeer(), FakePeer())
        let first = table.reserve()
        table.set(old, at: first)
        table.remove(first)
        #expect(table[first] == nil)
        #expect(table[first.slot] == nil)
        let second = table.reserve()
        #expect(second.slot == first.slot, "places are used again")
        #expect(second != first)
        table.set(new, at: second)
        #expect(table[first] == nil)
        #expect(table[second] === new)
        #expect(table[first.slot] === new)
        table.remove(first)
        #expect(table[second] === new, "removing a place that is not one's own any more does nothing")
        #expect(table.count == 1)
    }

    @Test func `what was never there is not found`() {
        var table = ConnectionTable()
        #expect(table[ConnectionRef(slot: 0, generation: 0)] == nil)
        #expect(table[7] == nil)
        table.remove(ConnectionRef(slot: 5, generation: 0))
        #expect(table.count == 0)
    }

    @Test(arguments: 0..<5 as Range<UInt64>)
    func `any order of comings and goings keeps the books`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var table = ConnectionTable()
        var live: [ConnectionRef: FakePeer] = [:]
        var gone: [ConnectionRef] = []
        for _ in 0..<3000 {
            if Bool.random(using: &generator) || live.isEmpty {
                let (peer, ref) = (FakePeer(), table.reserve())
                #expect(live[ref] == nil && !gone.contains(ref), "seed \(seed)")
                table.set(peer, at: ref)
                live[ref] = peer
            } else if let ref = live.keys.sorted(by: { $0.slot < $1.slot }).randomElement(using: &generator) {
                table.remove(ref)
                live[ref] = nil
                gone.append(ref)
                if gone.count > 50 { gone.removeFirst() }
            }
        }
        #expect(table.count == live.count, "seed \(seed)")
        #expect(live.allSatisfy { table[$0.key] === $0.value }, "seed \(seed)")
        #expect(gone.allSatisfy { table[$0] == nil }, "seed \(seed)")
    }
}

import Sessions
import Testing

@testable import WebSocketGateway

@Suite struct MembersTests {
    private let groups: [MemberPlace.Group] = [
        .direct(.plain), .direct(.window12), .direct(.window9), .careful, .behind, .direct(.eventStream), .replaying,
    ]

    private func row(_ members: Members, _ group: MemberPlace.Group) -> [UInt32] {
        switch group {
        case .direct(let encoding): Array(members.direct[encoding].connections)
        case .careful: Array(members.careful)
        case .behind: Array(members.behind)
        case .replaying: Array(members.replaying)
        }
    }

    @Test func `members of one group stand side by side, descriptors and connections in the same order`() {
        var members = Members()
        #expect(members.isEmpty)
        for slot in 0..<8 as Range<UInt32> {
            let group = groups[Int(slot) % 4]
            let place = members.add(slot, Int32(100 + slot), to: group)
            #expect(place.index == Int(slot) / 4)
        }
        #expect(members.count == 8)
        #expect(Array(members.direct.plain.connections) == [0, 4])
        #expect(Array(members.direct.plain.descriptors) == [100, 104])
        #expect(Array(members.direct.window12.descriptors) == [101, 105])
        #expect(Array(members.direct.window9.descriptors) == [102, 106])
        #expect(Array(members.careful) == [3, 7])
        #expect(members.connections.sorted() == Array(0..<8))
    }

    @Test(arguments: 0..<7)
    func `who leaves is replaced by its group's last one, which is told`(groupIndex: Int) {
        let group = groups[groupIndex]
        var members = Members()
        for slot in 10..<13 as Range<UInt32> { _ = members.add(slot, Int32(slot) * 2, to: group) }
        #expect(members.remove(10, at: MemberPlace(group: group, index: 0)) == 12)
        #expect(row(members, group) == [12, 11])
        if case .direct(let encoding) = group { #expect(Array(members.direct[encoding].descriptors) == [24, 22]) }
        #expect(members.remove(11, at: MemberPlace(group: group, index: 1)) == nil)
        #expect(members.remove(12, at: MemberPlace(group: group, index: 0)) == nil)
        #expect(members.isEmpty)
    }

    /// Against a dictionary, over many steps: whatever comes and goes, every place is known.
    @Test(arguments: [1, 2, 3] as [UInt64])
    func `places stay true whatever comes and goes`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var members = Members()
        var places: [UInt32: MemberPlace] = [:]
        for step in 0..<5000 as Range<UInt32> {
            if places.isEmpty || Int.random(in: 0..<5, using: &random) > 1 {
                let group = groups[Int.random(in: 0..<7, using: &random)]
                places[step] = members.add(step, Int32(step), to: group)
            } else if let (leaving, place) = places.sorted(by: { $0.key < $1.key }).randomElement(using: &random) {
                places[leaving] = nil
                if let moved = members.remove(leaving, at: place) { places[moved]?.index = place.index }
            }
        }
        #expect(members.count == places.count)
        #expect(members.connections.sorted() == places.keys.sorted())
        for (slot, place) in places { #expect(row(members, place.group)[place.index] == slot) }
        for encoding in Encoding.allCases {
            #expect(members.direct[encoding].descriptors.map(UInt32.init) == Array(members.direct[encoding].connections))
        }
    }

    @Test func `a place of another connection is ours to avoid`() async {
        await #expect(processExitsWith: .failure) {
            var members = Members()
            _ = members.add(1, 1, to: .careful)
            _ = members.remove(2, at: MemberPlace(group: .careful, index: 0))
        }
    }
}

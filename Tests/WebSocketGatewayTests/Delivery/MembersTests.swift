import Sessions
import Testing

@testable import WebSocketGateway

@Suite struct MembersTests {
    private let groups: [MemberPlace.Group] = [
        .direct(.plain), .direct(.window12), .direct(.window9), .careful, .behind, .direct(.eventStream), .replaying, .sealed(.plain),
    ]

    private func row(_ members: Members, _ group: MemberPlace.Group) -> [UInt32] {
        switch group {
        case .direct(let encoding): Array(members.direct[encoding].connections)
        case .sealed: Array(members.sealed.connections)
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
        #expect(Array(members.direct.plain.targets) == [100, 104])
        #expect(Array(members.direct.window12.targets) == [101, 105])
        #expect(Array(members.direct.window9.targets) == [102, 106])
        #expect(Array(members.careful) == [3, 7])
        #expect(members.connections.sorted() == Array(0..<8))
    }

    @Test(arguments: 0..<8)
    func `a member that is not simply written to is seen`(groupIndex: Int) {
        var members = Members()
        #expect(members.areAllDirect)
        let place = members.add(1, 101, to: groups[groupIndex])
        if case .direct = groups[groupIndex] { #expect(members.areAllDirect) } else { #expect(!members.areAllDirect) }
        members.remove(1, at: place) { _, _ in }
        #expect(members.areAllDirect)
    }

    @Test(arguments: Encoding.allCases)
    func `a row's readers stand first, and its parts are all of it`(encoding: Encoding) {
        var members = Members()
        for slot in 0..<5 as Range<UInt32> { _ = members.add(slot, Int32(100 + slot), to: .direct(encoding)) }
        _ = members.add(9, 109, to: .direct(encoding == .plain ? .window9 : .plain))
        _ = members.promote(3, at: MemberPlace(group: .direct(encoding), index: 3)) { _, _ in }
        let part = { (part: Members.Part) in
            let (targets, range) = members.targets(encoding, part)
            return Array(targets[range])
        }
        #expect(part(.readers) == [103])
        #expect(part(.all) == part(.readers) + part(.others) && part(.all).sorted() == [100, 101, 102, 103, 104])
    }

    @Test(arguments: 0..<8)
    func `who leaves is replaced by its group's last one, which is told`(groupIndex: Int) {
        let group = groups[groupIndex]
        var members = Members()
        for slot in 10..<13 as Range<UInt32> { _ = members.add(slot, Int32(slot) * 2, to: group) }
        #expect(moved { members.remove(10, at: MemberPlace(group: group, index: 0), $0) } == [12: 0])
        #expect(row(members, group) == [12, 11])
        if case .direct(let encoding) = group { #expect(Array(members.direct[encoding].targets) == [24, 22]) }
        #expect(moved { members.remove(11, at: MemberPlace(group: group, index: 1), $0) }.isEmpty)
        #expect(moved { members.remove(12, at: MemberPlace(group: group, index: 0), $0) }.isEmpty)
        #expect(members.isEmpty)
    }

    private func moved(_ change: ((UInt32, Int) -> Void) -> Void) -> [UInt32: Int] {
        var moved: [UInt32: Int] = [:]
        change { moved[$0] = $1 }
        return moved
    }

    private struct Promotion: Equatable {
        let index: Int
        let moved: [UInt32: Int]
    }

    private func promoted(_ connection: UInt32, at place: MemberPlace, in members: inout Members) -> Promotion {
        var moved: [UInt32: Int] = [:]
        let index = members.promote(connection, at: place) { moved[$0] = $1 }
        return Promotion(index: index, moved: moved)
    }

    @Test func `who is known to read stands before who is not, and stays there`() {
        var members = Members()
        let group = MemberPlace.Group.direct(.plain)
        for slot in 0..<5 as Range<UInt32> { _ = members.add(slot, Int32(100 + slot), to: group) }
        func place(_ index: Int) -> MemberPlace { MemberPlace(group: group, index: index) }
        var promotion: Promotion
        promotion = promoted(3, at: place(3), in: &members)
        #expect(promotion == Promotion(index: 0, moved: [0: 3]))
        promotion = promoted(1, at: place(1), in: &members)
        #expect(promotion == Promotion(index: 1, moved: [:]))
        promotion = promoted(3, at: place(0), in: &members)
        #expect(promotion == Promotion(index: 0, moved: [:]))
        #expect(row(members, group) == [3, 1, 2, 0, 4])
        #expect(members.direct.plain.readers == 2)
        #expect(Array(members.direct.plain.targets) == [103, 101, 102, 100, 104])
        #expect(moved { members.remove(3, at: place(0), $0) } == [1: 0, 4: 1])
        #expect(row(members, group) == [1, 4, 2, 0])
        #expect(members.direct.plain.readers == 1)
        #expect(moved { members.remove(4, at: place(1), $0) } == [0: 1])
        #expect(members.direct.plain.readers == 1)
        #expect(moved { members.remove(1, at: place(0), $0) } == [2: 0])
        #expect(row(members, group) == [2, 0])
        #expect(members.direct.plain.readers == 0)
    }

    @Test func `there is no order among those who are not written to directly`() {
        var members = Members()
        for slot in 0..<2 as Range<UInt32> { _ = members.add(slot, Int32(slot), to: .careful) }
        let promotion = promoted(1, at: MemberPlace(group: .careful, index: 1), in: &members)
        #expect(promotion == Promotion(index: 1, moved: [:]))
        #expect(row(members, .careful) == [0, 1])
    }

    /// Against a dictionary, over many steps: whatever comes and goes, every place is known.
    @Test(arguments: [1, 2, 3] as [UInt64])
    func `places stay true whatever comes and goes`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var members = Members()
        var places: [UInt32: MemberPlace] = [:]
        var readers: Set<UInt32> = []
        for step in 0..<5000 as Range<UInt32> {
            let who = places.sorted(by: { $0.key < $1.key }).randomElement(using: &random)
            switch (Int.random(in: 0..<6, using: &random), who) {
            case (0...1, let (leaving, place)?):
                places[leaving] = nil
                readers.remove(leaving)
                members.remove(leaving, at: place) { places[$0]?.index = $1 }
            case (2, let (reader, place)?):
                if place.hasOrder { readers.insert(reader) }
                let promotion = promoted(reader, at: place, in: &members)
                for (slot, index) in promotion.moved { places[slot]?.index = index }
                places[reader]?.index = promotion.index
            default:
                let group = groups[groups.indices.randomElement(using: &random)!]
                places[step] = members.add(step, Int32(step), to: group)
            }
        }
        #expect(members.count == places.count)
        #expect(members.connections.sorted() == places.keys.sorted())
        for (slot, place) in places { #expect(row(members, place.group)[place.index] == slot) }
        for encoding in Encoding.allCases {
            #expect(members.direct[encoding].targets.map(UInt32.init) == Array(members.direct[encoding].connections))
            let row = members.direct[encoding]
            #expect(row.connections.enumerated().allSatisfy { readers.contains($0.element) == ($0.offset < row.readers) })
        }
        let sealed = members.sealed
        #expect(sealed.targets.map(\.descriptor).map(UInt32.init) == Array(sealed.connections))
        #expect(sealed.connections.enumerated().allSatisfy { readers.contains($0.element) == ($0.offset < sealed.readers) })
    }

    @Test func `a place of another connection is ours to avoid`() async {
        await #expect(processExitsWith: .failure) {
            var members = Members()
            _ = members.add(1, 1, to: .careful)
            members.remove(2, at: MemberPlace(group: .careful, index: 0)) { _, _ in }
        }
    }
}

extension MemberPlace {
    fileprivate var hasOrder: Bool {
        switch group {
        case .direct, .sealed: true
        case .careful, .behind, .replaying: false
        }
    }
}

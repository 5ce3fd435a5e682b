internal import OpenSSL
internal import Sessions

/// Where a connection stands among its session's members.
struct MemberPlace {
    enum Group {
        /// Nothing waits for it: a batch's bytes in its encoding go straight to the kernel.
        case direct(Encoding)
        /// Nothing waits for it either, but its bytes are sealed for it alone on their way.
        case sealed(Encoding)
        /// Its outbox is not empty, or it wants only some types: its connection decides, event by event.
        case careful
        /// It is fed from the history: what is published waits there for it.
        case behind
        /// It is fed from the history at the recorded pace: it is only told that there is more.
        case replaying
    }

    var group: Group
    /// There are no more members than slots.
    private var place: UInt32

    init(group: Group, index: Int) {
        self.group = group
        place = UInt32(index)
    }

    var index: Int {
        get { Int(place) }
        set { place = UInt32(newValue) }
    }
}

/// A session's connections on one worker. Those of one group get the same bytes, so that a fan-out is a walk over descriptors that lie side by
/// side: 8 bytes a member, and nothing to decide for each.
struct Members {
    /// What a member's bytes are written to: a descriptor, and what else it takes.
    struct Row<Target> {
        private(set) var targets: ContiguousArray<Target> = []
        /// Slots, in the targets' order.
        private(set) var connections: ContiguousArray<UInt32> = []
        /// So many stand first and are served first: those that are known to read (docs/decisions/0021).
        private(set) var readers = 0

        /// The new member's index.
        fileprivate mutating func append(_ connection: UInt32, _ target: Target) -> Int {
            targets.append(target)
            connections.append(connection)
            return connections.count - 1
        }

        fileprivate mutating func remove(at index: Int, _ moved: (UInt32, Int) -> Void) {
            var vacant = index
            if vacant < readers {
                readers -= 1
                move(readers, to: vacant, moved)
                vacant = readers
            }
            move(connections.count - 1, to: vacant, moved)
            targets.removeLast()
            connections.removeLast()
        }

        fileprivate mutating func promote(at index: Int, _ moved: (UInt32, Int) -> Void) -> Int {
            guard index >= readers else { return index }
            targets.swapAt(index, readers)
            connections.swapAt(index, readers)
            if index != readers { moved(connections[index], index) }
            readers += 1
            return readers - 1
        }

        private mutating func move(_ index: Int, to vacant: Int, _ moved: (UInt32, Int) -> Void) {
            guard index != vacant else { return }
            targets[vacant] = targets[index]
            connections[vacant] = connections[index]
            moved(connections[vacant], vacant)
        }
    }

    /// Whose bytes are sealed for it alone.
    struct SealedTarget {
        let descriptor: Int32
        let encoding: Encoding
        /// Nil where only the connection's own stream can seal.
        let key: TrafficKey?
    }

    /// Of a row: all; those who are known to read, who are served first; and those of whom that is not known.
    enum Part { case all, readers, others }

    private(set) var direct = PerEncoding(Row<Int32>())
    private(set) var sealed = Row<SealedTarget>()
    private(set) var careful: ContiguousArray<UInt32> = []
    private(set) var behind: ContiguousArray<UInt32> = []
    private(set) var replaying: ContiguousArray<UInt32> = []

    var count: Int {
        direct.plain.connections.count + direct.window12.connections.count + direct.window9.connections.count
            + direct.eventStream.connections.count + sealed.connections.count + careful.count + behind.count + replaying.count
    }
    var isEmpty: Bool { count == 0 }
    /// Every member is written to, and nothing is to decide for any.
    var areAllDirect: Bool { sealed.connections.isEmpty && careful.isEmpty && behind.isEmpty && replaying.isEmpty }

    /// The row's descriptors, and where among them the part stands.
    func targets(_ encoding: Encoding, _ part: Part) -> (ContiguousArray<Int32>, Range<Int>) {
        let (targets, readers) =
            switch encoding {
            case .plain: (direct.plain.targets, direct.plain.readers)
            case .window12: (direct.window12.targets, direct.window12.readers)
            case .window9: (direct.window9.targets, direct.window9.readers)
            case .eventStream: (direct.eventStream.targets, direct.eventStream.readers)
            }
        switch part {
        case .all: return (targets, 0..<targets.count)
        case .readers: return (targets, 0..<readers)
        case .others: return (targets, readers..<targets.count)
        }
    }

    var connections: [UInt32] { Encoding.allCases.flatMap { direct[$0].connections } + sealed.connections + careful + behind + replaying }

    mutating func add(_ connection: UInt32, _ descriptor: Int32, to group: MemberPlace.Group, key: TrafficKey? = nil) -> MemberPlace {
        switch group {
        case .direct(let encoding):
            return MemberPlace(group: group, index: change(encoding) { $0.append(connection, descriptor) })
        case .sealed(let encoding):
            let target = SealedTarget(descriptor: descriptor, encoding: encoding, key: key)
            return MemberPlace(group: group, index: sealed.append(connection, target))
        case .careful:
            careful.append(connection)
            return MemberPlace(group: group, index: careful.count - 1)
        case .behind:
            behind.append(connection)
            return MemberPlace(group: group, index: behind.count - 1)
        case .replaying:
            replaying.append(connection)
            return MemberPlace(group: group, index: replaying.count - 1)
        }
    }

    /// Takes out the member there. `moved` is told of each other one that has another index in its group now.
    mutating func remove(_ connection: UInt32, at place: MemberPlace, _ moved: (UInt32, Int) -> Void) {
        switch place.group {
        case .direct(let encoding):
            change(encoding) { row in
                Self.check(connection, at: place.index, of: row.connections)
                row.remove(at: place.index, moved)
            }
        case .sealed:
            Self.check(connection, at: place.index, of: sealed.connections)
            sealed.remove(at: place.index, moved)
        case .careful: Self.remove(connection, at: place.index, from: &careful, moved)
        case .behind: Self.remove(connection, at: place.index, from: &behind, moved)
        case .replaying: Self.remove(connection, at: place.index, from: &replaying, moved)
        }
    }

    /// The member there is known to read: where the group has an order, it stands among those from now on. Returns its index.
    mutating func promote(_ connection: UInt32, at place: MemberPlace, _ moved: (UInt32, Int) -> Void) -> Int {
        switch place.group {
        case .direct(let encoding):
            return change(encoding) { row in
                Self.check(connection, at: place.index, of: row.connections)
                return row.promote(at: place.index, moved)
            }
        case .sealed:
            Self.check(connection, at: place.index, of: sealed.connections)
            return sealed.promote(at: place.index, moved)
        case .careful, .behind, .replaying: return place.index
        }
    }

    /// In place: by the subscript a row would be read, copied with all its members, and written back.
    private mutating func change<Result>(_ encoding: Encoding, _ body: (inout Row<Int32>) -> Result) -> Result {
        switch encoding {
        case .plain: body(&direct.plain)
        case .window12: body(&direct.window12)
        case .window9: body(&direct.window9)
        case .eventStream: body(&direct.eventStream)
        }
    }

    private static func remove(
        _ connection: UInt32, at index: Int, from connections: inout ContiguousArray<UInt32>, _ moved: (UInt32, Int) -> Void
    ) {
        check(connection, at: index, of: connections)
        connections.swapAt(index, connections.count - 1)
        connections.removeLast()
        if index < connections.count { moved(connections[index], index) }
    }

    private static func check(_ connection: UInt32, at index: Int, of connections: ContiguousArray<UInt32>) {
        precondition(connections[index] == connection, "a member's place is another connection's")
    }
}

/// A session as one worker that has connections of it sees it.
final class LocalSession {
    let id: SessionID
    let kind: SessionKind
    /// The home's; tells this session from an ended one of the same name.
    let incarnation: UInt64
    #if !DEBUG
    @safe @exclusivity(unchecked)
    #endif
    var members = Members()
    /// Its last member has left, or another session has its name: the fan-out does not know it any more.
    var isOver = false
    /// What the home was told.
    var hasBehind = false
    /// The oldest sequence that the history keeps in memory, as far as is known here.
    var keptFrom = UInt64.max
    /// The newest event handed out here.
    var lastID: EventID?
    /// Events handed out here since the first member came; a live member's own count is the difference to its start.
    var eventsSeen: UInt64 = 0

    init(_ id: SessionID, kind: SessionKind, incarnation: UInt64) {
        self.id = id
        self.kind = kind
        self.incarnation = incarnation
    }
}

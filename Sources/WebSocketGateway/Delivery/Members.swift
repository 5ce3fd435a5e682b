internal import Sessions

/// Where a connection stands among its session's members.
struct MemberPlace {
    enum Group {
        /// Nothing waits for it: a batch's bytes in its encoding go straight to the kernel.
        case direct(Encoding)
        /// Its outbox is not empty, or it wants only some types: its connection decides, event by event.
        case careful
        /// It is fed from the history: what is published waits there for it.
        case behind
        /// It is fed from the history at the recorded pace: it is only told that there is more.
        case replaying
    }

    var group: Group
    var index: Int
}

/// A session's connections on one worker. Those of one group get the same bytes, so that a fan-out is a walk over descriptors that lie side by
/// side: 8 bytes a member, and nothing to decide for each.
struct Members {
    struct Row {
        var descriptors: ContiguousArray<Int32> = []
        /// Slots, in the descriptors' order.
        var connections: ContiguousArray<UInt32> = []
    }

    private(set) var direct = PerEncoding(Row())
    private(set) var careful: ContiguousArray<UInt32> = []
    private(set) var behind: ContiguousArray<UInt32> = []
    private(set) var replaying: ContiguousArray<UInt32> = []

    var count: Int {
        direct.plain.connections.count + direct.window12.connections.count + direct.window9.connections.count
            + direct.eventStream.connections.count + careful.count + behind.count + replaying.count
    }
    var isEmpty: Bool { count == 0 }
    var connections: [UInt32] { Encoding.allCases.flatMap { direct[$0].connections } + careful + behind + replaying }

    mutating func add(_ connection: UInt32, _ descriptor: Int32, to group: MemberPlace.Group) -> MemberPlace {
        switch group {
        case .direct(let encoding):
            return change(encoding) { row in
                row.descriptors.append(descriptor)
                row.connections.append(connection)
                return MemberPlace(group: group, index: row.connections.count - 1)
            }
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

    /// Takes out the member there; the group's last one takes its place. Returns who that is, unless it was the one taken out.
    mutating func remove(_ connection: UInt32, at place: MemberPlace) -> UInt32? {
        switch place.group {
        case .direct(let encoding):
            return change(encoding) { row in
                _ = Self.remove(at: place.index, from: &row.descriptors)
                return Self.remove(connection, at: place.index, from: &row.connections)
            }
        case .careful:
            return Self.remove(connection, at: place.index, from: &careful)
        case .behind:
            return Self.remove(connection, at: place.index, from: &behind)
        case .replaying:
            return Self.remove(connection, at: place.index, from: &replaying)
        }
    }

    /// In place: by the subscript a row would be read, copied with all its members, and written back.
    private mutating func change<Result>(_ encoding: Encoding, _ body: (inout Row) -> Result) -> Result {
        switch encoding {
        case .plain: body(&direct.plain)
        case .window12: body(&direct.window12)
        case .window9: body(&direct.window9)
        case .eventStream: body(&direct.eventStream)
        }
    }

    private static func remove(_ connection: UInt32, at index: Int, from connections: inout ContiguousArray<UInt32>) -> UInt32? {
        precondition(connections[index] == connection, "a member's place is another connection's")
        return remove(at: index, from: &connections) ? connections[index] : nil
    }

    /// True when another element stands there now.
    private static func remove<Element>(at index: Int, from elements: inout ContiguousArray<Element>) -> Bool {
        elements.swapAt(index, elements.count - 1)
        elements.removeLast()
        return index < elements.count
    }
}

/// A session as one worker that has connections of it sees it.
final class LocalSession {
    let id: SessionID
    let kind: SessionKind
    /// The home's; tells this session from an ended one of the same name.
    let incarnation: UInt64
    var members = Members()
    /// What the home was told.
    var hasBehind = false
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

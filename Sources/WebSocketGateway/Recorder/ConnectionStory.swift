internal import Sessions

/// The noteworthy moments of one connection, oldest first. A healthy one has none.
///
/// Bounded: what comes again within a minute is told in one with the last of its kind. When there are ``momentsMax`` all the same, the oldest that has a
/// newer one of its kind goes, so that a client that is slow all day does not push out the one loss of the morning.
public struct ConnectionStory: Sendable, Equatable {
    public static let momentsMax = 32
    private static let togetherMicroseconds: Int64 = 60_000_000

    public private(set) var moments: [ConnectionMoment] = []
    /// Moments that are told no more.
    public private(set) var dropped: UInt64 = 0

    static let none = ConnectionStory()

    mutating func note(_ what: ConnectionMoment.What, at time: Timestamp) {
        let name = what.name
        if let index = moments.lastIndex(where: { $0.what.name == name }),
            time.microsecondsSince1970 - moments[index].lastAt.microsecondsSince1970 <= Self.togetherMicroseconds
        {
            return moments[index].merge(what, at: time)
        }
        if moments.count == Self.momentsMax { dropOldest() }
        moments.append(ConnectionMoment(what, at: time))
    }

    /// There are fewer kinds than places, so that there is always one.
    private mutating func dropOldest() {
        let index =
            moments.indices.first { index in moments[(index + 1)...].contains { $0.what.name == moments[index].what.name } } ?? 0
        dropped += moments.remove(at: index).count
    }

    /// Two members of a connection's JSON.
    var json: JSONObject { ["story": .array(moments.map(\.json)), "story_dropped": .int(Int64(clamping: dropped))] }
}

/// Where a connection's story is written. Made at the first moment: a healthy connection owns a nil.
final class FlightRecorder {
    private(set) var story = ConnectionStory.none

    func note(_ what: ConnectionMoment.What, at time: Timestamp) { story.note(what, at: time) }
}

internal import Sessions

/// A page as a connection gets it that has fallen behind.
///
/// Bounded by the page: an event is left out where a newer one of its key is in the same page, so that what has been left out is superseded by
/// something that is on its way already, and nobody looks further.
extension HistoryPage {
    enum Entry {
        case event(Frame)
        /// Some events were left out here; their types' positions in the metrics' closed list.
        case leftOut(Omission, [UInt8])
    }

    static func conflated(_ frames: [Frame]) -> [Entry] {
        var newest: [ConflationKey: UInt64] = [:]
        for frame in frames { if let key = frame.key { newest[key] = frame.id.sequence } }
        var entries: [Entry] = []
        entries.reserveCapacity(frames.count)
        var leftOut: (omission: Omission, types: [UInt8])?
        for frame in frames {
            if let key = frame.key, newest[key] != frame.id.sequence {
                let more = Omission(frame.id, type: key.type)
                if leftOut == nil { leftOut = (more, []) } else { leftOut?.omission.append(more) }
                leftOut?.types.append(frame.typeIndex)
                continue
            }
            if let whole = leftOut { entries.append(.leftOut(whole.omission, whole.types)) }
            leftOut = nil
            entries.append(.event(frame))
        }
        return entries
    }
}

/// Where in an outbox the newest waiting event of each key is: found at once, however much waits. Empty for who gets only what is delivered in any case.
struct LatestPlaces {
    struct Place {
        /// The entry's index less ``LatestPlaces/shift``.
        var index: Int
        /// When the first of those that it stands for began to wait, milliseconds.
        let since: UInt64
    }

    var places: [ConflationKey: Place] = [:]
    /// By how much the entries have moved since their places were noted.
    var shift = 0
    /// Ranges that are to be announced.
    var ranges = 0
    /// Entries before it are not taken back; less ``shift``, as a place.
    var keptBefore = 0

    /// Every place left is of an entry of its own, so there are never more than entries.
    mutating func entriesWereRemoved(_ count: Int) {
        shift -= count
        if !places.isEmpty { places = places.filter { [shift] in $0.value.index + shift >= 0 } }
    }
}

/// Delivery policy `latest`: a newer event of a key has a place of its own at the end, and the older one that still waits whole is left out. In its
/// place stands an omission, which is announced when what follows is sent: ids prove what a client has seen.
extension Outbox {
    /// A key that was left out for so many milliseconds is not left out again: what waits is sent, however busy the key.
    package static let leftOutMillisecondsMax: UInt64 = 1000
    /// How many ranges wait to be announced; beyond it every event waits. Only a filter makes more of them than there are events between.
    package static let rangesMax = 1024

    /// Adds an event behind everything else; with a `key`, it takes the place of an older one of the same that waits whole.
    /// - Parameter now: milliseconds.
    /// - Returns: the sequence of the one that was left out.
    package mutating func append(_ message: [UInt8], sent: Int = 0, id: EventID, key: ConflationKey?, now: UInt64) -> UInt64? {
        guard let key, sent == 0, !message.isEmpty else {
            let place = entries.count
            append(message, sent: sent)
            if place < entries.count { entries[place].sequence = id.sequence }
            return nil
        }
        var (since, leftOut): (UInt64, UInt64?) = (now, nil)
        if let (index, place) = older(key, now: now) {
            (since, leftOut) = (place.since, entries[index].sequence)
            leaveOut(index, key, id.epoch)
        }
        append(message)
        entries[entries.count - 1].key = key
        entries[entries.count - 1].sequence = id.sequence
        latest.places[key] = .init(index: entries.count - 1 - latest.shift, since: since)
        return leftOut
    }

    /// How many bytes would wait with an event of so many more.
    package func bytes(adding count: Int, key: ConflationKey?, now: UInt64) -> Int {
        guard let key, let (index, _) = older(key, now: now) else { return bytes + count }
        return bytes + count - entries[index].bytes.count
    }

    /// Nothing that waits now can be left out any more: what is appended next counts it.
    package mutating func pinWhatWaits() {
        latest.places = [:]
    }

    private func older(_ key: ConflationKey, now: UInt64) -> (index: Int, LatestPlaces.Place)? {
        guard let place = latest.places[key] else { return nil }
        // Of one that has begun or is sent the place may be another's by now.
        let index = place.index + latest.shift
        guard index >= first, index < entries.count, entries[index].sent == 0, entries[index].key == key else { return nil }
        guard now &- place.since < Self.leftOutMillisecondsMax, latest.ranges < Self.rangesMax else { return nil }
        return (index, place)
    }

    private mutating func leaveOut(_ index: Int, _ key: ConflationKey, _ epoch: Epoch) {
        let omission = Omission(EventID(epoch: epoch, sequence: entries[index].sequence), type: key.type)
        bytes -= entries[index].bytes.count
        if index == entries.count - 1, index > first, case .omission(var before) = entries[index - 1].kind {
            // The only reference left: the ranges are not copied.
            entries[index - 1].kind = .message
            latest.ranges -= before.ranges.count
            before.append(omission)
            latest.ranges += before.ranges.count
            entries[index - 1].kind = .omission(before)
            entries.removeLast()
            return
        }
        entries[index] = Entry(bytes: [], sent: 0, kind: .omission(omission))
        absent += 1
        latest.ranges += 1
        // As many as are left stay for at least thrice as many events: a few moves for each.
        if absent > 64, absent * 4 > (entries.count - first) * 3 { joinOmissions() }
    }

    /// Makes one of those that stand side by side, and closes the places that are empty.
    private mutating func joinOmissions() {
        var kept: [Entry] = []
        var places: [ConflationKey: LatestPlaces.Place] = [:]
        var omission: Omission?
        latest.ranges = 0
        func flush(_ ranges: inout Int) {
            guard let whole = omission else { return }
            ranges += whole.ranges.count
            kept.append(Entry(bytes: [], sent: 0, kind: .omission(whole)))
            omission = nil
        }
        for index in first..<entries.count {
            let entry = entries[index]
            if case .omission(let more) = entry.kind {
                if omission == nil { omission = more } else { omission?.append(more) }
                continue
            }
            guard !entry.bytes.isEmpty else { continue }
            flush(&latest.ranges)
            if let key = entry.key, let place = latest.places[key], place.index + latest.shift == index {
                places[key] = .init(index: kept.count, since: place.since)
            }
            kept.append(entry)
        }
        flush(&latest.ranges)
        absent = kept.reduce(0) { $0 + ($1.bytes.isEmpty ? 1 : 0) }
        // Where what is kept ends is not looked for: all that waits is.
        (entries, first) = (kept, 0)
        (latest.places, latest.shift, latest.keptBefore) = (places, 0, latest.keptBefore == 0 ? 0 : kept.count)
    }

    // MARK: Announcing

    package var hasOmissions: Bool { latest.ranges > 0 }

    /// Makes messages of the omissions among the next `max` bytes; to be called before ``gather(into:max:)`` with as many.
    package mutating func announce(within max: Int, _ message: (Omission) -> [UInt8]) {
        var room = max
        var index = first
        while index < entries.count, room > 0 {
            guard case .omission(var whole) = entries[index].kind else {
                room -= entries[index].bytes.count - entries[index].sent
                index += 1
                continue
            }
            let start = index
            latest.ranges -= whole.ranges.count
            index += 1
            while index < entries.count, entries[index].bytes.isEmpty {
                if case .omission(let more) = entries[index].kind {
                    latest.ranges -= more.ranges.count
                    whole.append(more)
                }
                entries[index].kind = .message
                index += 1
            }
            entries[start] = Entry(bytes: message(whole), sent: 0, kind: .message)
            absent -= 1
            bytes += entries[start].bytes.count
            room -= entries[start].bytes.count
        }
    }

    mutating func passEmptyPlaces() {
        while first < entries.count, entries[first].bytes.isEmpty {
            if case .omission = entries[first].kind { return }
            first += 1
            absent -= 1
        }
    }
}

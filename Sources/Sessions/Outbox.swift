/// What one connection's socket has not taken yet, as references to shared bytes, in order, with the boundaries between messages.
///
/// Empty for every healthy connection, and then it owns no memory. The first entry may be partly sent: nothing may come between its two
/// parts, and it can no longer be dropped. What policy leaves out is in Outbox+Conflation.swift.
///
/// Flow: FanOut → **Outbox** → TCPStream
package struct Outbox {
    struct Entry {
        var bytes: [UInt8]
        /// Bytes of it already with the kernel.
        var sent: Int
        var kind: Kind
        /// What it is the latest of; nil where it is delivered in any case.
        var key: ConflationKey?
        /// Of an event of the stream; 0: a message of another kind.
        var sequence: UInt64 = 0
    }

    enum Kind {
        case message
        case pong
        case close
        /// What was left out here and is to be announced; it has no bytes yet.
        indirect case omission(Omission)
    }

    var entries: [Entry] = []
    /// Entries before it are done; the array is compacted when most of it is.
    var first = 0
    /// Bytes that wait.
    package internal(set) var bytes = 0
    /// Entries from ``first`` on that are no messages: omissions, and places that are empty.
    var absent = 0
    var latest = LatestPlaces()

    package init() {}

    package var isEmpty: Bool { bytes == 0 }
    /// Messages that wait, the partly sent one included.
    package var messages: Int { entries.count - first - absent }

    /// Adds a message behind everything else; `sent` bytes of it the kernel already has, which only the first may.
    package mutating func append(_ message: [UInt8], sent: Int = 0) {
        precondition(sent == 0 || isEmpty, "only the first message can be partly sent")
        guard sent < message.count else { return }
        entries.append(Entry(bytes: message, sent: sent, kind: .message))
        bytes += message.count - sent
    }

    /// Adds a pong before every message that has not begun, in the place of an earlier one that has not begun either: of several pings the
    /// last one's is enough (RFC 6455 §5.5.3), and a peer that pings without reading must not fill memory. Returns by how many bytes more wait.
    package mutating func insertPong(_ frame: [UInt8]) -> Int { insert(frame, .pong) }

    /// Adds the close frame before every message that has not begun: it must not wait for data (§5.4 allows it between any two frames).
    package mutating func insertClose(_ frame: [UInt8]) { _ = insert(frame, .close) }

    /// There is one pong and one close at the most beside the entry that has begun, so looking for them takes no time.
    private mutating func insert(_ frame: [UInt8], _ kind: Kind) -> Int {
        guard !frame.isEmpty else { return 0 }
        let before = bytes
        bytes += frame.count
        var position = first
        if position < entries.count, entries[position].sent > 0 { position += 1 }
        while position < entries.count, entries[position].isControl {
            if case .pong = kind, case .pong = entries[position].kind {
                bytes -= entries[position].bytes.count
                entries[position].bytes = frame
                return bytes - before
            }
            position += 1
        }
        entries.insert(Entry(bytes: frame, sent: 0, kind: kind), at: position)
        latest.shift += 1
        return bytes - before
    }

    /// Copies up to `max` waiting bytes behind `buffer`'s content: one contiguous send beats a vector of small ones.
    package func gather(into buffer: inout [UInt8], max: Int) {
        var room = max
        for entry in entries[first...] {
            guard room > 0 else { return }
            let end = Swift.min(entry.bytes.count, entry.sent + room)
            buffer.append(contentsOf: entry.bytes[entry.sent..<end])
            room -= end - entry.sent
        }
    }

    /// Notes that the kernel took `count` more bytes, and returns how many whole messages that finished.
    @discardableResult
    package mutating func consume(_ count: Int) -> Int {
        precondition(count <= bytes, "more was sent than waited")
        var rest = count
        var finished = 0
        bytes -= count
        while rest > 0 {
            let left = entries[first].bytes.count - entries[first].sent
            guard rest >= left else {
                entries[first].sent += rest
                break
            }
            rest -= left
            // Others may wait for long: what is done must not be held.
            if case .omission = entries[first].kind { preconditionFailure("what was left out is announced before what follows is sent") }
            entries[first].bytes = []
            first += 1
            finished += 1
            passEmptyPlaces()
        }
        if first == entries.count {
            entries = []
            first = 0
            latest = LatestPlaces()
        } else if first > 64, first > entries.count / 2 {
            entries.removeFirst(first)
            latest.entriesWereRemoved(first)
            first = 0
        }
        return finished
    }

    /// Drops what has not begun, control frames excepted, and returns how many messages that were.
    @discardableResult
    package mutating func dropMessagesNotBegun() -> Int {
        let kept = entries[first...].enumerated().filter { $0.offset == 0 && $0.element.sent > 0 || $0.element.isControl }.map(\.element)
        let dropped = messages - kept.count
        entries = kept
        first = 0
        bytes = kept.reduce(0) { $0 + $1.bytes.count - $1.sent }
        absent = 0
        latest = LatestPlaces()
        return dropped
    }
}

extension Outbox.Entry {
    var isControl: Bool {
        switch kind {
        case .pong, .close: true
        case .message, .omission: false
        }
    }
}

internal import Sessions
internal import WebSocket

/// One event of a session's stream, encoded once: a whole unmasked WebSocket text frame. Immutable; copies share the bytes, across threads too.
///
/// Flow: SessionHome → **Frame** → Batch → FanOut → sockets
struct Frame: Sendable {
    let bytes: [UInt8]
    let id: EventID
    /// The event type's position in the metrics' closed list.
    let typeIndex: UInt8
    /// When the publish was read, monotonic nanoseconds.
    let publishedAt: UInt64

    init(_ event: PublishedEvent, of body: Span<UInt8>, id: EventID, timestamp: Timestamp, publishedAt: UInt64) {
        self.id = id
        self.publishedAt = publishedAt
        typeIndex = UInt8(event.metricIndex)
        let type = body.extracting(event.typeRange)
        let data = body.extracting(event.dataRange)
        let length = EventEncoder.encodedLength(
            id: id, typeBytes: type.count, dataBytes: data.count, timestampBytes: event.timestampRange?.count ?? Timestamp.iso8601Bytes)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(FrameEncoder.headerLength(payloadLength: length) + length)
        FrameEncoder.appendHeader(.text, payloadLength: length, to: &bytes)
        if let own = event.timestampRange {
            EventEncoder.append(id: id, type: type, data: data, timestamp: body.extracting(own), to: &bytes)
        } else {
            EventEncoder.append(id: id, type: type, data: data, timestamp: timestamp, to: &bytes)
        }
        self.bytes = bytes
    }

    /// The event's type, found in the frame: only connections with a filter ask.
    func isWanted(by filter: TypeFilter) -> Bool {
        // The envelope is ours: the id before it holds no quote, so the seventh quote opens the type's value.
        var quotes = 0
        guard
            let start = bytes.firstIndex(where: { byte in
                if byte == UInt8(ascii: "\"") { quotes += 1 }
                return quotes == 7
            }), let end = bytes[(start + 1)...].firstIndex(of: UInt8(ascii: "\""))
        else { return false }
        return filter.contains(bytes.span.extracting(start + 1..<end), metricIndex: Int(typeIndex))
    }
}

/// What was published to one session during one turn of its home's loop, joined once: written with one send per member.
struct Batch: Sendable {
    let frames: [Frame]
    /// All frames' bytes, contiguous; shared with the frame where there is only one.
    let joined: [UInt8]

    /// What one send may carry; a turn that publishes more makes several batches.
    static let bytesMax = 65_536

    init(_ frames: [Frame]) {
        self.frames = frames
        if frames.count == 1 {
            joined = frames[0].bytes
        } else {
            var joined: [UInt8] = []
            joined.reserveCapacity(frames.reduce(0) { $0 + $1.bytes.count })
            for frame in frames { joined.append(contentsOf: frame.bytes) }
            self.joined = joined
        }
    }

    /// How many frames the first `count` bytes hold whole, and how far into the next one they reach.
    func split(at count: Int) -> (whole: Int, partial: Int) {
        var rest = count
        for (i, frame) in frames.enumerated() {
            if rest < frame.bytes.count { return (i, rest) }
            rest -= frame.bytes.count
        }
        return (frames.count, 0)
    }
}

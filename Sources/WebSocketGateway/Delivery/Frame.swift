internal import Sessions
internal import WebSocket

/// One event of a session's stream, encoded once: a whole unmasked WebSocket text frame, and what other encodings were asked for. Immutable; copies
/// share the bytes, across threads too.
///
/// Flow: SessionHome → **Frame** → Batch → FanOut → sockets
struct Frame: Sendable {
    /// About what the least event comes to: how many a page may have room for.
    static let bytesLeast = 80

    let bytes: [UInt8]
    /// The event for those who do not take the plain frame; nil for nearly every event, and one word in a history of many.
    private var forms: Forms?
    let id: EventID
    /// The event type's position in the metrics' closed list.
    let typeIndex: UInt8
    /// Where the header ends and the event's JSON begins.
    let payloadStart: UInt8
    /// When the publish was read, monotonic nanoseconds.
    let publishedAt: UInt64
    /// What it is the latest of; nil where every connection gets it in any case.
    let key: ConflationKey?

    init(
        _ event: PublishedEvent, of body: Span<UInt8>, id: EventID, timestamp: TimestampText, publishedAt: UInt64,
        key: ConflationKey? = nil
    ) {
        self.id = id
        self.key = key
        self.publishedAt = publishedAt
        typeIndex = UInt8(event.metricIndex)
        let type = body.extracting(event.typeRange)
        let data = body.extracting(event.dataRange)
        let length = EventEncoder.encodedLength(
            id: id, typeBytes: type.count, dataBytes: data.count, timestampBytes: event.timestampRange?.count ?? Timestamp.iso8601Bytes)
        let header = FrameEncoder.headerLength(payloadLength: length)
        payloadStart = UInt8(header)
        bytes = ByteWriter.compose(header + length) { writer in
            if let (word, count) = FrameEncoder.shortHeader(.text, payloadLength: length) {
                writer.write(characters: word, count: count)
            } else {
                FrameEncoder.forEachHeaderByte(.text, payloadLength: length) { writer.write($0) }
            }
            if let own = event.timestampRange {
                EventEncoder.write(id: id, type: type, data: data, timestamp: body.extracting(own), to: &writer)
            } else {
                EventEncoder.write(id: id, type: type, data: data, timestamp: timestamp, to: &writer)
            }
        }
    }

    /// As a history kept it.
    init(_ kept: KeptFrame, id: EventID) {
        bytes = kept.bytes
        self.id = id
        typeIndex = kept.typeIndex
        payloadStart = kept.payloadStart
        publishedAt = kept.publishedAt
        key = kept.key
    }

    /// What a connection of this encoding gets.
    func bytes(in encoding: Encoding) -> [UInt8] { forms?.bytes[encoding] ?? (encoding == .eventStream ? eventStreamText : bytes) }

    private var eventStreamText: [UInt8] { EventStream.event(id: id, data: bytes.span.extracting(Int(payloadStart)...)) }

    /// Makes the event stream's text; once, however many take it.
    mutating func renderEventStream() { add(eventStreamText, for: .eventStream) }

    /// Each is nil where it was not asked for, or compressing gains nothing.
    private final class Forms: Sendable {
        let bytes: PerEncoding<[UInt8]?>
        init(_ bytes: PerEncoding<[UInt8]?>) { self.bytes = bytes }
    }

    private mutating func add(_ form: [UInt8], for encoding: Encoding) {
        var bytes = forms?.bytes ?? PerEncoding(nil)
        bytes[encoding] = form
        forms = Forms(bytes)
    }

    /// Compresses the payload for a class of connections; once, whoever and however many they are.
    mutating func deflate(for encoding: Encoding, with deflater: Deflater) {
        // A copy of the reference: a span of one property keeps the compiler from changing another.
        let plain = bytes
        guard let smaller = deflater.deflate(plain.span.extracting(Int(payloadStart)...)) else { return }
        var frame: [UInt8] = []
        frame.reserveCapacity(smaller.count + FrameEncoder.headerLength(payloadLength: smaller.count))
        FrameEncoder.append(.text, smaller.span, rsv1: true, to: &frame)
        add(frame, for: encoding)
    }

    /// The event's JSON, in bytes.
    var payloadBytes: Int { bytes.count - Int(payloadStart) }

    /// The event's type, found in the frame: only connections with a filter ask.
    func isWanted(by filter: TypeFilter) -> Bool {
        // The envelope is ours, {"id":"…","type":"…": the id holds no quote, so the seventh quote opens the type.
        var quotes = 0
        let opening = bytes[Int(payloadStart)...].firstIndex { byte in
            if byte == UInt8(ascii: "\"") { quotes += 1 }
            return quotes == 7
        }
        guard let opening, let closing = bytes[(opening + 1)...].firstIndex(of: UInt8(ascii: "\"")) else { return false }
        return filter.contains(bytes.span.extracting(opening + 1..<closing), metricIndex: Int(typeIndex))
    }
}

/// What a history keeps of a frame: all but its id, which its place there says, and other forms, which are made again. 32 bytes beside its own.
struct KeptFrame: Sendable {
    let bytes: [UInt8]
    let key: ConflationKey?
    let publishedAt: UInt64
    let typeIndex: UInt8
    let payloadStart: UInt8

    init(_ frame: Frame) {
        bytes = frame.bytes
        key = frame.key
        publishedAt = frame.publishedAt
        typeIndex = frame.typeIndex
        payloadStart = frame.payloadStart
    }
}

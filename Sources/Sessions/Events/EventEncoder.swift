/// Writes the message a client gets, around the publisher's own bytes:
/// `{"id":"<epoch>-42","type":"candle","data":{…},"timestamp":"2026-03-15T10:30:00.123456Z"}`
///
/// Flow: PublishedEvent → **EventEncoder** → WebSocket frame
package enum EventEncoder {
    /// Writes ``encodedLength(id:typeBytes:dataBytes:timestampBytes:)`` bytes.
    /// - Parameters:
    ///   - id: nil for a message to one connection alone, which has no place in the stream.
    ///   - timestamp: the publisher's, between its quotes and still escaped.
    package static func write(
        id: EventID?, type: Span<UInt8>, data: Span<UInt8>, timestamp: Span<UInt8>, to writer: inout ByteWriter
    ) {
        writeFront(id: id, type: type, data: data, to: &writer)
        writer.write(copying: timestamp)
        writer.write(ascii: "\"}")
    }

    /// As above, with a time of the gateway's.
    package static func write(id: EventID?, type: Span<UInt8>, data: Span<UInt8>, timestamp: TimestampText, to writer: inout ByteWriter) {
        writeFront(id: id, type: type, data: data, to: &writer)
        timestamp.write(to: &writer)
        writer.write(ascii: "\"}")
    }

    private static func writeFront(id: EventID?, type: Span<UInt8>, data: Span<UInt8>, to writer: inout ByteWriter) {
        if let id {
            writer.write(ascii: "{\"id\":\"")
            id.write(to: &writer)
            writer.write(ascii: "\",\"type\":\"")
        } else {
            writer.write(ascii: "{\"type\":\"")
        }
        writer.write(copying: type)
        writer.write(ascii: "\",\"data\":")
        writer.write(copying: data)
        writer.write(ascii: ",\"timestamp\":\"")
    }

    /// What ``write(id:type:data:timestamp:to:)`` writes, behind what `bytes` holds.
    package static func append(id: EventID?, type: Span<UInt8>, data: Span<UInt8>, timestamp: Span<UInt8>, to bytes: inout [UInt8]) {
        let count = encodedLength(id: id, typeBytes: type.count, dataBytes: data.count, timestampBytes: timestamp.count)
        bytes += ByteWriter.compose(count) { write(id: id, type: type, data: data, timestamp: timestamp, to: &$0) }
    }

    /// As above, with a time of the gateway's.
    package static func append(id: EventID?, type: Span<UInt8>, data: Span<UInt8>, timestamp: Timestamp, to bytes: inout [UInt8]) {
        let count = encodedLength(id: id, typeBytes: type.count, dataBytes: data.count)
        bytes += ByteWriter.compose(count) { write(id: id, type: type, data: data, timestamp: TimestampText(timestamp), to: &$0) }
    }

    /// An event of this process; `timestamp` stands in where it has none of its own.
    package static func append(id: EventID?, event: Event, timestamp: Timestamp, to bytes: inout [UInt8]) {
        let (type, data) = (event.type.rawValue, event.data)
        guard let own = event.timestamp else {
            return append(id: id, type: type.utf8.span, data: data.span, timestamp: timestamp, to: &bytes)
        }
        var escaped: [UInt8] = []
        JSONText.appendEscaped(own, to: &escaped)
        append(id: id, type: type.utf8.span, data: data.span, timestamp: escaped.span, to: &bytes)
    }

    /// How many bytes `append` appends, so that a WebSocket header can be written before them.
    package static func encodedLength(
        id: EventID?, typeBytes: Int, dataBytes: Int, timestampBytes: Int = Timestamp.iso8601Bytes
    ) -> Int {
        // {"type":"…","data":…,"timestamp":"…"} is 34 bytes without its parts, "id":"…", another 8.
        let idBytes = id.map { 8 + $0.encodedLength } ?? 0
        return 34 + idBytes + typeBytes + dataBytes + timestampBytes
    }

    package static func encodedLength(id: EventID?, event: Event) -> Int {
        encodedLength(
            id: id, typeBytes: event.type.rawValue.utf8.count, dataBytes: event.data.count,
            timestampBytes: event.timestamp.map(JSONText.escapedLength) ?? Timestamp.iso8601Bytes)
    }
}

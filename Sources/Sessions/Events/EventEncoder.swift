/// Writes the message a client gets, around the publisher's own bytes:
/// `{"id":"<epoch>-42","type":"candle","data":{…},"timestamp":"2026-03-15T10:30:00.123456Z"}`
///
/// Flow: PublishedEvent → **EventEncoder** → WebSocket frame
package enum EventEncoder {
    /// - Parameters:
    ///   - id: nil for a message to one connection alone, which has no place in the stream.
    ///   - timestamp: the publisher's, between its quotes and still escaped.
    package static func append(
        id: EventID?, type: Span<UInt8>, data: Span<UInt8>, timestamp: Span<UInt8>, to bytes: inout [UInt8]
    ) {
        appendFront(id: id, type: type, data: data, to: &bytes)
        bytes.append(copying: timestamp)
        appendBack(to: &bytes)
    }

    /// As above, with a time of the gateway's.
    package static func append(id: EventID?, type: Span<UInt8>, data: Span<UInt8>, timestamp: Timestamp, to bytes: inout [UInt8]) {
        appendFront(id: id, type: type, data: data, to: &bytes)
        timestamp.append(to: &bytes)
        appendBack(to: &bytes)
    }

    /// An event of this process; `timestamp` stands in where it has none of its own.
    package static func append(id: EventID?, event: Event, timestamp: Timestamp, to bytes: inout [UInt8]) {
        appendFront(id: id, type: event.type.rawValue.utf8.span, data: event.data.span, to: &bytes)
        if let own = event.timestamp { JSONText.appendEscaped(own, to: &bytes) } else { timestamp.append(to: &bytes) }
        appendBack(to: &bytes)
    }

    /// How many bytes `append` appends, so that a WebSocket header can be written before them.
    package static func encodedLength(
        id: EventID?, typeBytes: Int, dataBytes: Int, timestampBytes: Int = Timestamp.iso8601Bytes
    ) -> Int {
        // {"type":"…","data":…,"timestamp":"…"} is 34 bytes without its parts, "id":"…-…", another 9.
        let idBytes = id.map { 9 + $0.epoch.description.utf8.count + ASCII.decimalDigits($0.sequence) } ?? 0
        return 34 + idBytes + typeBytes + dataBytes + timestampBytes
    }

    package static func encodedLength(id: EventID?, event: Event) -> Int {
        encodedLength(
            id: id, typeBytes: event.type.rawValue.utf8.count, dataBytes: event.data.count,
            timestampBytes: event.timestamp.map(JSONText.escapedLength) ?? Timestamp.iso8601Bytes)
    }

    private static func appendFront(id: EventID?, type: Span<UInt8>, data: Span<UInt8>, to bytes: inout [UInt8]) {
        if let id {
            bytes.append(ascii: "{\"id\":\"")
            id.append(to: &bytes)
            bytes.append(ascii: "\",\"type\":\"")
        } else {
            bytes.append(ascii: "{\"type\":\"")
        }
        bytes.append(copying: type)
        bytes.append(ascii: "\",\"data\":")
        bytes.append(copying: data)
        bytes.append(ascii: ",\"timestamp\":\"")
    }

    private static func appendBack(to bytes: inout [UInt8]) {
        bytes.append(ascii: "\"}")
    }
}

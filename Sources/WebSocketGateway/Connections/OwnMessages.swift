internal import Sessions
internal import WebSocket

/// What the gateway says to one connection alone, as its transport wants it: events in form, without an id.
enum OwnMessages {
    static func message(_ type: StaticString, _ data: JSONObject, at now: Timestamp, for transport: Transport) -> [UInt8] {
        var payload: [UInt8] = []
        JSON.object(["type": .string("\(type)"), "data": .object(data), "timestamp": .string(now.iso8601)]).appendEncoded(to: &payload)
        return transport.message(payload)
    }

    /// The first message on every connection that is let in. Its parts hold nothing that JSON would escape. Who begins at the head has `seen` it.
    static func appendConnected(
        _ id: ConnectionID, session: SessionID, lastID: EventID?, resume: ResumeAnswer?, now: Timestamp, for transport: Transport,
        seen: EventID? = nil, to bytes: inout [UInt8]
    ) {
        let session = session.description
        let epoch = lastID?.epoch.description
        // {"type":"connected","data":{"connection_id":"…","session_id":"…","epoch":…,"last_id":…,"resume":…},"timestamp":"…"} without its parts.
        var length = 109 + ConnectionID.encodedLength + session.utf8.count + Timestamp.iso8601Bytes
        length += (epoch.map { 2 + $0.utf8.count } ?? 4) + idLength(lastID)
        // {"recovered":…,"from":…,"oldest_id":…}
        length += resume.map { 35 + ($0.recovered ? 4 : 5) + idLength($0.from) + idLength($0.oldestID) } ?? 4

        transport.appendMessage(ofLength: length, seen: seen, to: &bytes) { writer in
            writer.write(ascii: "{\"type\":\"connected\",\"data\":{\"connection_id\":\"")
            id.write(to: &writer)
            writer.write(ascii: "\",\"session_id\":\"")
            writer.write(text: session)
            if let epoch {
                writer.write(ascii: "\",\"epoch\":\"")
                writer.write(text: epoch)
                writer.write(ascii: "\",\"last_id\":")
                write(lastID, to: &writer)
            } else {
                writer.write(ascii: "\",\"epoch\":null,\"last_id\":null")
            }
            if let resume {
                writer.write(
                    ascii: resume.recovered ? ",\"resume\":{\"recovered\":true,\"from\":" : ",\"resume\":{\"recovered\":false,\"from\":")
                write(resume.from, to: &writer)
                writer.write(ascii: ",\"oldest_id\":")
                write(resume.oldestID, to: &writer)
                writer.write(ascii: "}},\"timestamp\":\"")
            } else {
                writer.write(ascii: ",\"resume\":null},\"timestamp\":\"")
            }
            now.write(to: &writer)
            writer.write(ascii: "\"}")
        }
    }

    /// Of an id between quotes, or of null.
    private static func idLength(_ id: EventID?) -> Int { id.map { 2 + $0.encodedLength } ?? 4 }

    private static func write(_ id: EventID?, to writer: inout ByteWriter) {
        guard let id else { return writer.write(ascii: "null") }
        writer.write(UInt8(ascii: "\""))
        id.write(to: &writer)
        writer.write(UInt8(ascii: "\""))
    }

    static func heartbeat(now: Timestamp, lastID: EventID?, delivered: UInt64, roundTripNanoseconds: UInt64?, for transport: Transport)
        -> [UInt8]
    {
        let delivered = min(delivered, UInt64(Int64.max))
        let roundTrip = roundTripNanoseconds.map { (Double($0 / 1000) / 1000).description } ?? "null"
        // {"type":"heartbeat","data":{"server_time":"…","last_id":…,"delivered":…,"rtt_ms":…},"timestamp":"…"} without its parts.
        let length = 95 + 2 * Timestamp.iso8601Bytes + idLength(lastID) + ASCII.decimalDigits(delivered) + roundTrip.utf8.count
        var bytes: [UInt8] = []
        transport.appendMessage(ofLength: length, to: &bytes) { writer in
            writer.write(ascii: "{\"type\":\"heartbeat\",\"data\":{\"server_time\":\"")
            now.write(to: &writer)
            writer.write(ascii: "\",\"last_id\":")
            write(lastID, to: &writer)
            writer.write(ascii: ",\"delivered\":")
            writer.write(decimal: delivered)
            writer.write(ascii: ",\"rtt_ms\":")
            writer.write(text: roundTrip)
            writer.write(ascii: "},\"timestamp\":\"")
            now.write(to: &writer)
            writer.write(ascii: "\"}")
        }
        return bytes
    }

    /// Stands where events would have been that are kept no more.
    static func lost(_ first: EventID, _ last: EventID, now: Timestamp, for transport: Transport) -> [UInt8] {
        message("lost", ["first_id": .string(first.description), "last_id": .string(last.description)], at: now, for: transport)
    }

    /// What a Close frame says, to who gets none.
    static func closed(_ code: CloseCode, reason: String, now: Timestamp) -> [UInt8] {
        message("closed", ["code": .int(Int64(code.rawValue)), "reason": .string(reason)], at: now, for: .eventStream)
    }

    /// Stands before the next message wherever policy left events out.
    static func conflated(_ omission: Omission, now: Timestamp, for transport: Transport) -> [UInt8] {
        let ranges = omission.ids.map { JSON.array([.string($0.first.description), .string($0.last.description)]) }
        return message(
            "conflated", ["ranges": .array(ranges), "types": .array(omission.types.map { .string($0) })], at: now, for: transport)
    }

    /// An engine's event for one connection: as published, without an id, because it belongs to no stream.
    static func direct(_ event: PublishedEvent, of body: Span<UInt8>, now: Timestamp, for transport: Transport) -> [UInt8] {
        var stamp: [UInt8] = []
        if let range = event.timestampRange {
            for i in range { stamp.append(body[i]) }
        } else {
            now.append(to: &stamp)
        }
        var payload: [UInt8] = []
        EventEncoder.append(
            id: nil, type: body.extracting(event.typeRange), data: body.extracting(event.dataRange), timestamp: stamp.span, to: &payload)
        return transport.message(payload)
    }

    static func error(_ code: String, _ text: String, details: JSONObject, now: Timestamp, for transport: Transport) -> [UInt8] {
        message("error", ["error_code": .string(code), "message": .string(text), "details": .object(details)], at: now, for: transport)
    }
}

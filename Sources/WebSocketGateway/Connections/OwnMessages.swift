internal import Sessions
internal import WebSocket

/// What the gateway says to one connection alone, as whole frames: events in form, without an id.
enum OwnMessages {
    static func frame(_ type: StaticString, _ data: JSONObject, at now: Timestamp) -> [UInt8] {
        var payload: [UInt8] = []
        JSON.object(["type": .string("\(type)"), "data": .object(data), "timestamp": .string(now.iso8601)]).appendEncoded(to: &payload)
        return FrameEncoder.frame(.text, payload)
    }

    /// The first message on every connection that is let in. Its parts hold nothing that JSON would escape.
    static func connected(_ id: ConnectionID, session: SessionID, lastID: EventID?, resume: ResumeAnswer?, now: Timestamp) -> [UInt8] {
        var data: [UInt8] = []
        data.reserveCapacity(512)
        data.append(ascii: "{\"type\":\"connected\",\"data\":{\"connection_id\":\"")
        id.append(to: &data)
        data.append(ascii: "\",\"session_id\":\"")
        data.append(text: session.description)
        data.append(ascii: "\",\"epoch\":")
        if let lastID {
            data.append(ascii: "\"")
            data.append(text: lastID.epoch.description)
            data.append(ascii: "\"")
        } else {
            data.append(ascii: "null")
        }
        data.append(ascii: ",\"last_id\":")
        append(lastID, to: &data)
        data.append(ascii: ",\"resume\":")
        if let resume {
            data.append(ascii: resume.recovered ? "{\"recovered\":true,\"from\":" : "{\"recovered\":false,\"from\":")
            append(resume.from, to: &data)
            data.append(ascii: ",\"oldest_id\":")
            append(resume.oldestID, to: &data)
            data.append(ascii: "}")
        } else {
            data.append(ascii: "null")
        }
        return frame(endingAt: now, &data)
    }

    static func heartbeat(now: Timestamp, lastID: EventID?, delivered: UInt64, roundTripNanoseconds: UInt64?) -> [UInt8] {
        var data: [UInt8] = []
        data.reserveCapacity(256)
        data.append(ascii: "{\"type\":\"heartbeat\",\"data\":{\"server_time\":\"")
        now.append(to: &data)
        data.append(ascii: "\",\"last_id\":")
        append(lastID, to: &data)
        data.append(ascii: ",\"delivered\":")
        data.append(decimal: min(delivered, UInt64(Int64.max)))
        data.append(ascii: ",\"rtt_ms\":")
        data.append(text: roundTripNanoseconds.map { (Double($0 / 1000) / 1000).description } ?? "null")
        return frame(endingAt: now, &data)
    }

    private static func append(_ id: EventID?, to data: inout [UInt8]) {
        guard let id else { return data.append(ascii: "null") }
        data.append(ascii: "\"")
        id.append(to: &data)
        data.append(ascii: "\"")
    }

    /// Closes `data` and the message, in a frame.
    private static func frame(endingAt now: Timestamp, _ data: inout [UInt8]) -> [UInt8] {
        data.append(ascii: "},\"timestamp\":\"")
        now.append(to: &data)
        data.append(ascii: "\"}")
        return FrameEncoder.frame(.text, data)
    }

    /// An engine's event for one connection: as published, without an id, because it belongs to no stream.
    static func direct(_ event: PublishedEvent, of body: Span<UInt8>, now: Timestamp) -> [UInt8] {
        var stamp: [UInt8] = []
        if let range = event.timestampRange {
            for i in range { stamp.append(body[i]) }
        } else {
            now.append(to: &stamp)
        }
        var payload: [UInt8] = []
        EventEncoder.append(
            id: nil, type: body.extracting(event.typeRange), data: body.extracting(event.dataRange), timestamp: stamp.span, to: &payload)
        return FrameEncoder.frame(.text, payload)
    }

    static func error(_ code: String, _ message: String, details: JSONObject, now: Timestamp) -> [UInt8] {
        frame("error", ["error_code": .string(code), "message": .string(message), "details": .object(details)], at: now)
    }
}

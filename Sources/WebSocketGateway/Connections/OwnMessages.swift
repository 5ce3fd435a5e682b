internal import Sessions
internal import WebSocket

/// What the gateway says to one connection alone, as whole frames: events in form, without an id.
enum OwnMessages {
    static func frame(_ type: StaticString, _ data: JSONObject, at now: Timestamp) -> [UInt8] {
        var payload: [UInt8] = []
        JSON.object(["type": .string("\(type)"), "data": .object(data), "timestamp": .string(now.iso8601)]).appendEncoded(to: &payload)
        return FrameEncoder.frame(.text, payload)
    }

    /// The first message on every connection that is let in.
    static func connected(_ id: ConnectionID, session: SessionID, lastID: EventID?, resume: ResumeAnswer?, now: Timestamp) -> [UInt8] {
        frame(
            "connected",
            [
                "connection_id": .string(id.description),
                "session_id": .string(session.description),
                "epoch": lastID.map { .string($0.epoch.description) } ?? .null,
                "last_id": lastID.map { .string($0.description) } ?? .null,
                "resume": resume.map {
                    .object([
                        "recovered": .bool($0.recovered),
                        "from": .string($0.from.description),
                        "oldest_id": $0.oldestID.map { .string($0.description) } ?? .null,
                    ])
                } ?? .null,
            ], at: now)
    }

    static func heartbeat(now: Timestamp, lastID: EventID?, delivered: UInt64, roundTripNanoseconds: UInt64?) -> [UInt8] {
        frame(
            "heartbeat",
            [
                "server_time": .string(now.iso8601),
                "last_id": lastID.map { .string($0.description) } ?? .null,
                "delivered": .int(Int64(clamping: delivered)),
                "rtt_ms": roundTripNanoseconds.map { .double(Double($0 / 1000) / 1000) } ?? .null,
            ], at: now)
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

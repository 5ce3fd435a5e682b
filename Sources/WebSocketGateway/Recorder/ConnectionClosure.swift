public import Sessions

/// How a connection ended, as it was when it left its session: the Close frame's answer and the socket's end may have come up to the close time-out later.
public struct ConnectionClosure: Sendable, Equatable {
    /// Who ended it.
    public enum Party: String, Sendable, CaseIterable {
        case client
        case gateway
        /// The TCP connection broke or ended without a word; which of the machines between did it nobody says.
        case network
    }

    public enum Reason: String, Sendable, CaseIterable {
        /// A Close frame of the client's, or the end of an event stream's request.
        case clientLeft = "client_left"
        /// The TCP connection was ended without a Close frame: a killed browser, or a proxy.
        case endedWithoutClose = "ended_without_close"
        case sessionEnded = "session_ended"
        /// By an engine: `DELETE /v1/connections/{id}`, or ``WebSocketManager/disconnect(_:)``.
        case disconnected
        case draining
        /// Nothing was taken for the write time-out.
        case slowNoProgress = "slow_no_progress"
        /// More waited than may, and no history was kept, or the client had asked for it itself.
        case slowQueueFull = "slow_queue_full"
        /// It did not read, and the gateway had no memory left for it.
        case slowMemoryBudget = "slow_memory_budget"
        /// Not heard for the stale time-out.
        case stale
        /// Not heard for as long as an engine's clean-up asked for.
        case cleanedUp = "cleaned_up"
        /// ``ConnectionClosure/violation`` says of which rule.
        case protocolViolation = "protocol_violation"
        /// Its own messages came too fast for too long.
        case rateLimited = "rate_limited"
        /// Its token ended and was not renewed, where the gateway closes then.
        case tokenExpired = "token_expired"
        /// It was connected for as long as the gateway's settings let anybody be.
        case lifetimeOver = "lifetime_over"
        /// Told inside the WebSocket that it may not join.
        case refused
        case sendError = "send_error"
        /// The peer, or something between, reset the TCP connection.
        case reset
        /// The peer acknowledged nothing for too long.
        case timedOut = "timed_out"
        case readError = "read_error"

        public var party: Party {
            switch self {
            case .clientLeft: .client
            case .endedWithoutClose, .sendError, .reset, .timedOut, .readError: .network
            case .sessionEnded, .disconnected, .draining, .slowNoProgress, .slowQueueFull, .slowMemoryBudget, .stale, .cleanedUp,
                .protocolViolation, .rateLimited, .tokenExpired, .lifetimeOver, .refused:
                .gateway
            }
        }
    }

    public let connectionID: ConnectionID
    /// Nil for who was refused, as ``kind`` is.
    public let sessionID: SessionID?
    public let kind: SessionKind?
    public let transport: Transport
    /// The client's numeric address; behind a trusted proxy the one it forwards.
    public let remoteAddress: String
    public let connectedAt: Timestamp
    public let closedAt: Timestamp
    /// RFC 6455 §7.1.5: 1005 for a Close frame without a code, 1006 for none.
    public let closeCode: UInt16
    public let reason: Reason
    public var by: Party { reason.party }
    /// The rule's name where the reason is ``Reason/protocolViolation``; else nil.
    public let violation: String?
    /// Events of the stream handed to it since it joined; what still waited is among them.
    public let delivered: UInt64
    /// The newest of those; a resume goes on behind the last that the client has seen.
    public let lastID: EventID?
    /// Bytes that waited for its socket.
    public let queuedBytes: Int
    /// Events published and not yet with its socket, and what else waited.
    public let lag: Int
    /// The last ping's round trip in milliseconds; nil before the first.
    public let roundTripMilliseconds: Double?
    public let story: ConnectionStory
}

extension ConnectionClosure {
    var json: JSONObject {
        var object: JSONObject = [
            "connection_id": .string(connectionID.description), "session_id": sessionID.map { .string($0.description) } ?? .null,
            "kind": kind.map { .string($0.rawValue) } ?? .null, "transport": .string(transport.rawValue),
            "remote_address": .string(remoteAddress), "connected_at": .string(connectedAt.iso8601), "closed_at": .string(closedAt.iso8601),
            "close_code": .int(Int64(closeCode)), "by": .string(by.rawValue), "reason": .string(reason.rawValue),
            "violation": violation.map { .string($0) } ?? .null, "delivered": .int(Int64(clamping: delivered)), "last_id": .id(lastID),
            "queued_bytes": .int(Int64(queuedBytes)), "lag": .int(Int64(lag)),
            "rtt_ms": roundTripMilliseconds.map { .double($0) } ?? .null,
        ]
        for (name, value) in story.json.members { object[name] = value }
        return object
    }
}

internal import EventLoop
public import Sessions

/// What the gateway knows of one client connection at the moment it was asked.
public struct ConnectionMetadata: Sendable, Equatable {
    public let connectionID: ConnectionID
    public let sessionID: SessionID
    public let kind: SessionKind
    public let transport: Transport
    public let connectedAt: Timestamp
    /// When the client was last heard: a pong or a message. Over Server-Sent Events, when it asked.
    public let lastHeartbeat: Timestamp
    /// The client's numeric address; behind a trusted proxy the one it forwards.
    public let remoteAddress: String
    /// The token's subject; nil for anonymous clients.
    public let subject: String?
    /// The last ping's round trip in milliseconds; nil before the first.
    public let roundTripMilliseconds: Double?
    /// Bytes waiting for the client's socket.
    public let queuedBytes: Int
    /// Events published and not yet with the client's socket, and what else waits in its queue.
    public let lag: Int
    /// What was noteworthy about it so far; empty for a healthy connection.
    public let story: ConnectionStory
}

extension ConnectionMetadata {
    init?(_ client: ClientConnection) {
        guard let session = client.session else { return nil }
        self.init(
            connectionID: client.id, sessionID: session.id, kind: session.kind, transport: client.transport,
            connectedAt: Timestamp(microsecondsSince1970: client.connectedAt),
            lastHeartbeat: Timestamp(microsecondsSince1970: client.lastHeardAt), remoteAddress: client.address.host,
            subject: client.identity?.subject,
            roundTripMilliseconds: client.roundTrip.map { Double($0 / 1000) / 1000 }, queuedBytes: client.queuedBytes,
            lag: client.lag, story: client.story)
    }

    /// Where one connection is asked for; a list leaves the stories out.
    var jsonWithStory: JSONObject {
        var object = json
        for (name, value) in story.json.members { object[name] = value }
        return object
    }

    var json: JSONObject {
        [
            "connection_id": .string(connectionID.description), "session_id": .string(sessionID.description),
            "kind": .string(kind.rawValue), "transport": .string(transport.rawValue),
            "connected_at": .string(connectedAt.iso8601), "last_heartbeat": .string(lastHeartbeat.iso8601),
            "remote_address": .string(remoteAddress), "subject": subject.map { .string($0) } ?? .null,
            "rtt_ms": roundTripMilliseconds.map { .double($0) } ?? .null, "queued_bytes": .int(Int64(queuedBytes)), "lag": .int(Int64(lag)),
        ]
    }
}

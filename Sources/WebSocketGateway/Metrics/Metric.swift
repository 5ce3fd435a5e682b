internal import Sessions
internal import WebSocket

/// Every family the gateway counts: one row each with its Prometheus name, help, kind and label values.
///
/// Label values come from these closed lists only: no path, session id or header a peer sends can make a new series.
enum Metric: Int, CaseIterable, Sendable {
    case connections, eventStreams, httpConnections, sessions
    case connectionsAccepted, connectionsRefused, handshakes, authentications
    case eventsPublished, publishRequests, keyRefusals, deliveries, deliveriesConflated, deliveriesDropped
    case sentBytes, receivedBytes, queuedBytes
    case clientMessages, rateLimited, protocolViolations, httpErrors
    case closes, slowCloses, staleCloses, sendErrors, acceptErrors
    case deflations, deflateSavedBytes
    case memory, memoryBudget, queuesShed
    case historyEvents, historyBytes, historyDropped, resumes, behind, replaying, eventsLost
    case storeUp, storeBytes, storeQueue, storeFailures, storeCommit, publishesRepeated
    case heartbeats, publishToSocket, loopTurn
    case tlsHandshakesOpen, tlsHandshakes
    case keySetFetches
    case engineLinks, sessionsServed, commands, commandSeconds
    case reloads

    enum Kind: String { case counter, gauge, histogram }

    struct Row {
        let name: String
        let help: String
        let kind: Kind
        var label: String?
        var values: [String] = []
    }

    var row: Row {
        switch self {
        case .connections:
            Row(
                name: "wsg_connections", help: "Client connections open now: WebSockets and event streams.", kind: .gauge, label: "kind",
                values: SessionKind.allCases.map(\.rawValue) + ["echo"])
        case .eventStreams:
            Row(name: "wsg_sse_connections", help: "Those of wsg_connections over Server-Sent Events.", kind: .gauge)
        case .httpConnections:
            Row(
                name: "wsg_http_connections", help: "Connections open now that are not clients' (yet).", kind: .gauge, label: "listener",
                values: ["public", "control"])
        case .sessions:
            Row(name: "wsg_sessions", help: "Sessions known now.", kind: .gauge)
        case .connectionsAccepted:
            Row(
                name: "wsg_connections_accepted_total", help: "TCP connections accepted.", kind: .counter, label: "listener",
                values: ["public", "control"])
        case .connectionsRefused:
            Row(
                name: "wsg_connections_refused_total",
                help: "TCP connections refused with 400, 429 or 503, or closed, before anything was asked.",
                kind: .counter,
                label: "reason", values: RefusalReason.allCases.map(\.rawValue))
        case .handshakes:
            Row(
                name: "wsg_handshakes_total", help: "Clients' requests for a session by outcome.", kind: .counter, label: "outcome",
                values: HandshakeOutcome.allCases.map(\.rawValue))
        case .authentications:
            Row(
                name: "wsg_authentications_total", help: "Clients' tokens looked at, at the door and to be renewed, by outcome.",
                kind: .counter, label: "outcome", values: TokenFault.allCases.map(\.rawValue) + ["accepted"])
        case .eventsPublished:
            Row(
                name: "wsg_events_published_total", help: "Events that entered a session's stream.", kind: .counter, label: "type",
                values: Self.typeClasses)
        case .publishRequests:
            Row(
                name: "wsg_publish_requests_total", help: "Publish requests by outcome.", kind: .counter, label: "outcome",
                values: ["published", "refused"])
        case .keyRefusals:
            Row(
                name: "wsg_api_key_refusals_total", help: "Requests to the control listener refused for their API key.", kind: .counter,
                label: "reason", values: ControlDoor.Refusal.allCases.map(\.rawValue))
        case .deliveries:
            Row(
                name: "wsg_deliveries_total", help: "Events handed to a connection: taken by the kernel or queued.", kind: .counter,
                label: "type", values: Self.typeClasses)
        case .deliveriesConflated:
            Row(
                name: "wsg_deliveries_conflated_total", help: "Events left out for a newer one of the same key, for connections that lag.",
                kind: .counter, label: "type", values: Self.typeClasses)
        case .deliveriesDropped:
            Row(
                name: "wsg_deliveries_dropped_total", help: "Events not delivered because the connection failed or was too slow.",
                kind: .counter, label: "type", values: Self.typeClasses)
        case .sentBytes:
            Row(name: "wsg_sent_bytes_total", help: "Bytes the kernel took for sending.", kind: .counter)
        case .receivedBytes:
            Row(name: "wsg_received_bytes_total", help: "Bytes received.", kind: .counter)
        case .queuedBytes:
            Row(name: "wsg_queued_bytes", help: "Bytes waiting for slow connections now.", kind: .gauge)
        case .clientMessages:
            Row(
                name: "wsg_client_messages_total", help: "Messages received from clients.", kind: .counter, label: "kind",
                values: ["text", "binary", "ping", "pong", "close"])
        case .rateLimited:
            Row(
                name: "wsg_rate_limited_total", help: "Messages not looked at, and connections refused, for coming too fast.",
                kind: .counter,
                label: "rate", values: MessageMeter.Excess.allCases.map(\.rawValue) + ["connections"])
        case .protocolViolations:
            Row(
                name: "wsg_protocol_violations_total", help: "Connections closed for breaking RFC 6455 or RFC 7692, by rule.",
                kind: .counter,
                label: "violation", values: ProtocolViolation.all.map(\.name))
        case .httpErrors:
            Row(
                name: "wsg_http_errors_total", help: "HTTP requests answered with an error, by status.", kind: .counter, label: "status",
                values: Self.statuses.map(String.init) + ["other"])
        case .closes:
            Row(
                name: "wsg_closes_total", help: "Client connections closed, by close code; 1006 without a closing handshake.",
                kind: .counter, label: "code", values: Self.closeCodes.map(String.init) + ["other"])
        case .slowCloses:
            Row(
                name: "wsg_slow_closes_total", help: "Connections closed with 4408: queue full, no progress, or no memory left.",
                kind: .counter,
                label: "reason", values: ["queue_full", "no_progress", "memory_budget"])
        case .staleCloses:
            Row(name: "wsg_stale_closes_total", help: "Connections closed with 4411: not heard for too long.", kind: .counter)
        case .sendErrors:
            Row(name: "wsg_send_errors_total", help: "Sends that failed because the connection is broken.", kind: .counter)
        case .acceptErrors:
            Row(name: "wsg_accept_errors_total", help: "Accepts that failed, for instance for want of descriptors.", kind: .counter)
        case .deflations:
            Row(
                name: "wsg_deflations_total", help: "Events compressed, once for all connections of a class.", kind: .counter,
                label: "window_bits",
                values: ["12", "9"])
        case .deflateSavedBytes:
            Row(
                name: "wsg_deflate_saved_bytes_total", help: "Bytes not sent because events went out compressed.", kind: .counter)
        case .memory:
            Row(
                name: "wsg_memory_bytes", help: "What counts against the memory budget, as of the last second.", kind: .gauge,
                label: "kind",
                values: ["history", "queues", "kernel"])
        case .memoryBudget: Row(name: "wsg_memory_budget_bytes", help: "The memory budget.", kind: .gauge)
        case .queuesShed:
            Row(
                name: "wsg_queues_shed_total",
                help: "Queues of slow connections left to the history because the memory budget was exceeded.",
                kind: .counter)
        case .historyEvents:
            Row(name: "wsg_history_events", help: "Events kept for clients that come late or fall behind.", kind: .gauge)
        case .historyBytes:
            Row(name: "wsg_history_bytes", help: "Memory of the events kept.", kind: .gauge)
        case .historyDropped:
            Row(
                name: "wsg_history_dropped_total", help: "Events kept no more, by what they made room for.", kind: .counter,
                label: "reason", values: ["session_limit", "retention", "gateway_limit", "session_over"])
        case .resumes:
            Row(
                name: "wsg_resumes_total", help: "Clients that came back with last_event_id, by whether they missed nothing.",
                kind: .counter,
                label: "outcome", values: ["recovered", "lost"])
        case .behind:
            Row(name: "wsg_connections_behind", help: "Client connections fed from the history now.", kind: .gauge)
        case .replaying:
            Row(name: "wsg_connections_replaying", help: "Client connections that replay a recorded session now.", kind: .gauge)
        case .eventsLost:
            Row(
                name: "wsg_deliveries_lost_total", help: "Events announced as lost: kept no more when the client's turn came.",
                kind: .counter)
        case .storeUp:
            Row(
                name: "wsg_store_up", help: "1 while the history is written to disk; 0 without --data, and after a failed write.",
                kind: .gauge)
        case .storeBytes:
            Row(name: "wsg_store_bytes", help: "What the history takes on disk.", kind: .gauge)
        case .storeQueue:
            Row(name: "wsg_store_queue_bytes", help: "Bytes of events given to the store and not yet committed.", kind: .gauge)
        case .storeFailures:
            Row(
                name: "wsg_store_failures_total",
                help: "Calls of the store that failed: for want of room, or for good.", kind: .counter, label: "reason",
                values: ["full", "failed"])
        case .storeCommit:
            Row(name: "wsg_store_commit_seconds", help: "One commit of the history, of whatever waited for it.", kind: .histogram)
        case .publishesRepeated:
            Row(
                name: "wsg_idempotency_repeats_total", help: "Publishes answered as the first one with their Idempotency-Key.",
                kind: .counter)
        case .heartbeats:
            Row(name: "wsg_heartbeats_total", help: "Heartbeats sent.", kind: .counter)
        case .publishToSocket:
            Row(
                name: "wsg_publish_to_socket_seconds",
                help:
                    "From a publish being read to its event being handed to the sockets, per delivery that does not come from the history.",
                kind: .histogram, label: "type", values: Self.typeClasses)
        case .keySetFetches:
            Row(
                name: "wsg_key_set_fetches_total", help: "Fetches of the key set at a URL, by how they ended.", kind: .counter,
                label: "result", values: KeySetOutcome.names)
        case .engineLinks:
            Row(name: "wsg_engine_links", help: "Engines' links open now.", kind: .gauge)
        case .sessionsServed:
            Row(name: "wsg_sessions_served", help: "Sessions whose commands an engine answers now.", kind: .gauge)
        case .commands:
            Row(
                name: "wsg_commands_total", help: "Commands to engines, by how they were answered.", kind: .counter, label: "result",
                values: CommandResult.allCases.map(\.rawValue))
        case .commandSeconds:
            Row(
                name: "wsg_command_seconds", help: "From a command being read to its engine's answer being read.", kind: .histogram)
        case .reloads:
            Row(
                name: "wsg_reloads_total", help: "Reloads of the settings and of the files they name, by what came of them.",
                kind: .counter, label: "result", values: ["reloaded", "invalid", "needs_restart"])
        case .loopTurn:
            Row(name: "wsg_loop_turn_seconds", help: "Busy time of one turn of a worker's loop.", kind: .histogram)
        case .tlsHandshakesOpen:
            Row(name: "wsg_tls_handshakes_open", help: "TLS handshakes under way now.", kind: .gauge)
        case .tlsHandshakes:
            Row(
                name: "wsg_tls_handshakes_total", help: "TLS handshakes by how they ended.", kind: .counter, label: "result",
                values: TLSOutcome.all.map(\.name))
        }
    }

    /// How many cells a worker keeps for this family; a histogram's last cell is its sum in nanoseconds.
    var cells: Int { max(1, row.values.count) * (row.kind == .histogram ? Self.histogramCells : 1) }

    /// One for each bucket, one for what is beyond them, one for the sum.
    static let histogramCells = bucketsNanoseconds.count + 2

    /// Where each family's cells begin, by `rawValue`; the last entry is their number.
    static let starts: [Int] = allCases.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.cells) }

    static let typeClasses = EventType.known.map(\.rawValue) + ["other"]
    static let statuses = [400, 401, 403, 404, 405, 408, 409, 411, 413, 414, 415, 426, 429, 431, 500, 501, 503, 505]
    static let closeCodes: [UInt16] = [
        1000, 1001, 1002, 1003, 1005, 1006, 1007, 1008, 1009, 1011, 1012, 1013, 4401, 4403, 4404, 4408, 4411, 4429,
    ]

    /// The position of a session's kind, or of an echo connection, in ``connections``.
    static func kindLabel(_ kind: SessionKind) -> Int { kind == .backtest ? 0 : 1 }
    static let echoLabel = 2
    /// The kinds that are clients of a session.
    static let kindsCounted = [0, 1]

    static func rateLabel(_ rate: MessageMeter.Excess) -> Int { rate == .messages ? 0 : 1 }
    static let connectionRateLabel = 2
    static let authenticationAcceptedLabel = TokenFault.allCases.count

    private static let violationNames = ProtocolViolation.all.map(\.name)
    static func violationIndex(_ violation: ProtocolViolation) -> Int { violationNames.firstIndex(of: violation.name)! }

    static func statusIndex(_ status: UInt16) -> Int { statuses.firstIndex(of: Int(status)) ?? statuses.count }
    static func closeIndex(_ code: UInt16) -> Int { closeCodes.firstIndex(of: code) ?? closeCodes.count }

    /// Upper bounds of the histograms' buckets: 10 µs to 10 s, three a decade.
    static let bucketsNanoseconds: [UInt64] = [
        10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000, 25_000_000, 50_000_000,
        100_000_000, 250_000_000, 500_000_000, 1_000_000_000, 2_500_000_000, 5_000_000_000, 10_000_000_000,
    ]
}

/// Why a connection was turned away before it could speak.
enum RefusalReason: String, CaseIterable, Sendable {
    case gatewayLimit = "gateway_limit"
    case addressLimit = "address_limit"
    case addressRate = "address_rate"
    case controlLimit = "control_limit"
    case draining
    /// No PROXY header of a proxy that should send one.
    case proxyHeader = "proxy_header"
    var index: Int { Self.allCases.firstIndex(of: self)! }
}

/// How a client's request for a WebSocket or an event stream ended.
enum HandshakeOutcome: String, CaseIterable, Sendable {
    case accepted
    case malformed
    case unauthorized
    case noKeys = "no_keys"
    case forbidden
    case notFound = "not_found"
    case sessionLimit = "session_limit"
    case addressLimit = "address_limit"
    case addressRate = "address_rate"
    case draining
    case timeout
    case abandoned
    var index: Int { Self.allCases.firstIndex(of: self)! }
}

import ArgumentParser
import WebSocketGateway

/// The flags that `serve` and `demo` share. Each is a row of ``SettingRow``, read by it and checked by the gateway.
struct GatewayOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The public listener, for clients. Port 0 lets the kernel choose.", valueName: "host:port")) var listen:
        String?
    @Option(
        help: ArgumentHelp(
            "The control listener, for engines and operators: unix:/PATH, or HOST:PORT, on loopback or with --api-key-file.",
            valueName: "address"))
    var control: String?
    @Option(help: ArgumentHelp("Event loops, one thread each. Default: one per core.", valueName: "n")) var workers: String?
    @Option(help: ArgumentHelp("A file of name = value lines; names are those of these flags.", valueName: "file")) var config: String?

    @Flag(help: "Let clients in without a token, off loopback and where tokens are asked for.") var allowAnonymous = false
    @Option(help: ArgumentHelp("Origins whose pages may connect, separated by commas; * for all.", valueName: "list")) var allowedOrigins:
        String?
    @Flag(help: "Serve only sessions that an engine registered or published to.") var registeredSessionsOnly = false
    @Option(help: ArgumentHelp("Addresses or CIDR blocks of proxies whose X-Forwarded-For is believed.", valueName: "list"))
    var trustedProxies: String?
    @Flag(help: "Connections of the trusted proxies begin with a PROXY header, version 2.") var proxyProtocol = false

    @Option(help: ArgumentHelp("The secret that tokens are signed with, or a public key in PEM.", valueName: "file"))
    var jwtSecretFile: String?
    @Option(help: ArgumentHelp("A JSON Web Key Set: the keys that tokens are signed with.", valueName: "file|https url")) var jwks: String?
    @Option(help: ArgumentHelp("PEM file: trust these authorities at the key set's URL. Default: the system's.", valueName: "file"))
    var jwksCa: String?
    @Option(help: ArgumentHelp("From one fetch of the key set to the next. Default: 300.", valueName: "seconds"))
    var jwksRefreshInterval: String?
    @Option(help: ArgumentHelp("Between two fetches for tokens of an unknown key. Default: 30.", valueName: "seconds"))
    var jwksUnknownKeyInterval: String?
    @Option(help: ArgumentHelp("One fetch of the key set. Default: 5.", valueName: "seconds")) var jwksTimeout: String?
    @Option(help: ArgumentHelp("What a token's iss must be.", valueName: "text")) var jwtIssuer: String?
    @Option(help: ArgumentHelp("What a token's aud must be or hold.", valueName: "text")) var jwtAudience: String?
    @Option(help: ArgumentHelp("connect: a token is judged when it is given; close: 4401 at its end. Default: connect.", valueName: "when"))
    var tokenExpiry: String?
    @Option(help: ArgumentHelp("A client is told to come back after this time; 0 never. Default: 0.", valueName: "seconds"))
    var maxConnectionLifetime: String?
    @Option(help: ArgumentHelp("The hashes of the control listener's keys, from: websocket-gateway api-key", valueName: "file"))
    var apiKeyFile: String?
    @Option(help: ArgumentHelp("Events a second that one key publishes; 0 any. Default: 0.", valueName: "n")) var publishRatePerKey: String?
    @Option(help: ArgumentHelp("Tokens a minute from one address that are none. Default: 10.", valueName: "n"))
    var authFailureRatePerAddress: String?
    @Option(help: ArgumentHelp("PEM file: the certificate, then its chain. Clients then come by https and wss.", valueName: "file"))
    var tlsCertificate: String?
    @Option(help: ArgumentHelp("PEM file: the certificate's private key.", valueName: "file")) var tlsKey: String?
    @Flag(help: "Speak TLS on the control listener too.") var controlTls = false
    @Option(help: ArgumentHelp("PEM file: let only clients of these authorities in at the control listener.", valueName: "file"))
    var controlClientCa: String?
    @Option(help: ArgumentHelp("TLS handshakes under way at once. Default: 1024.", valueName: "n")) var maxTlsHandshakes: String?
    @Option(help: ArgumentHelp("A TLS handshake, from the accept. Default: 5.", valueName: "seconds")) var tlsHandshakeTimeout: String?

    @Option(help: ArgumentHelp("Client connections at once. Default: 10000.", valueName: "n")) var maxConnections: String?
    @Option(help: ArgumentHelp("Client connections of one session. Default: 100.", valueName: "n")) var maxConnectionsPerSession: String?
    @Option(help: ArgumentHelp("Client connections from one address (IPv6: one /64). Default: 200.", valueName: "n"))
    var maxConnectionsPerAddress: String?
    @Option(help: ArgumentHelp("Connections to the control listener. Default: 256.", valueName: "n")) var maxControlConnections: String?
    @Option(help: ArgumentHelp("Sessions known at once. Default: 100000.", valueName: "n")) var maxSessions: String?
    @Option(help: ArgumentHelp("Messages and control frames a second from one client. Default: 50.", valueName: "n")) var messageRate:
        String?
    @Option(help: ArgumentHelp("So many at once after a pause. Default: 100.", valueName: "n")) var messageBurst: String?
    @Option(help: ArgumentHelp("Payload bytes a second from one client. Default: 65536.", valueName: "bytes")) var messageByteRate: String?
    @Option(help: ArgumentHelp("So many at once after a pause. Default: four messages.", valueName: "bytes")) var messageByteBurst: String?
    @Option(help: ArgumentHelp("Messages over these rates within 10 s; then 4429. Default: 100.", valueName: "n")) var maxMessageExcess:
        String?
    @Option(help: ArgumentHelp("Commands of one client without an answer. Default: 32.", valueName: "n")) var maxCommandsInFlight: String?
    @Option(help: ArgumentHelp("New connections a second from one address. Default: 20.", valueName: "n")) var connectionRatePerAddress:
        String?
    @Option(help: ArgumentHelp("So many at once after a pause. Default: 200.", valueName: "n")) var connectionBurstPerAddress: String?
    @Option(help: ArgumentHelp("A request's first line. Default: 8192.", valueName: "bytes")) var maxRequestLineBytes: String?
    @Option(help: ArgumentHelp("One header line. Default: 8192.", valueName: "bytes")) var maxHeaderLineBytes: String?
    @Option(help: ArgumentHelp("All header lines of a request. Default: 16384.", valueName: "bytes")) var maxHeadersBytes: String?
    @Option(help: ArgumentHelp("Header lines of a request. Default: 64.", valueName: "n")) var maxHeaderFields: String?
    @Option(help: ArgumentHelp("One message from a client. Default: 65536.", valueName: "bytes")) var maxMessageBytes: String?
    @Option(help: ArgumentHelp("Frames a client's message may be split into. Default: 64.", valueName: "n")) var maxMessageFragments:
        String?
    @Option(help: ArgumentHelp("One publish request's body. Default: 1048576.", valueName: "bytes")) var maxPublishBytes: String?
    @Option(help: ArgumentHelp("One event's JSON. Default: 524288.", valueName: "bytes")) var maxEventBytes: String?
    @Option(help: ArgumentHelp("What may wait for one slow connection. Default: 1048576.", valueName: "bytes")) var maxWriteQueueBytes:
        String?

    @Option(help: ArgumentHelp("Where the history is kept over restarts. Default: only in memory.", valueName: "directory")) var data:
        String?
    @Option(help: ArgumentHelp("memory, relaxed or commit. Default: commit with --data.", valueName: "durability")) var durability: String?
    @Option(help: ArgumentHelp("Events of a session kept for late clients; 0 none. Default: 10000.", valueName: "n")) var maxHistoryEvents:
        String?
    @Option(help: ArgumentHelp("Memory of one session's kept events. Default: 16777216.", valueName: "bytes")) var maxHistoryBytes: String?
    @Option(help: ArgumentHelp("How long an event is kept. Default: 86400.", valueName: "seconds")) var historyRetention: String?
    @Option(help: ArgumentHelp("Memory for kept events and slow connections. Default: a quarter of the machine's.", valueName: "bytes"))
    var memoryBudget: String?

    @Option(help: ArgumentHelp("Whether to agree on permessage-deflate. Default: true.", valueName: "true|false")) var deflate: String?
    @Option(help: ArgumentHelp("Events below this size go out as they are. Default: 512.", valueName: "bytes")) var deflateThresholdBytes:
        String?

    @Option(help: ArgumentHelp("Default: 10.", valueName: "seconds")) var requestHeadTimeout: String?
    @Option(help: ArgumentHelp("Default: 10.", valueName: "seconds")) var requestBodyTimeout: String?
    @Option(help: ArgumentHelp("A kept-alive connection without a request. Default: 75.", valueName: "seconds")) var idleTimeout: String?
    @Option(help: ArgumentHelp("Between two heartbeats to a client. Default: 30.", valueName: "seconds")) var heartbeatInterval: String?
    @Option(help: ArgumentHelp("A client not heard for this long is closed; 0 never. Default: 75.", valueName: "seconds")) var staleTimeout:
        String?
    @Option(help: ArgumentHelp("From our close frame to the peer's. Default: 5.", valueName: "seconds")) var closeTimeout: String?
    @Option(help: ArgumentHelp("A client whose queue makes no progress. Default: 5.", valueName: "seconds")) var writeTimeout: String?
    @Option(help: ArgumentHelp("A fragmented message, first frame to last. Default: 30.", valueName: "seconds")) var messageTimeout: String?
    @Option(help: ArgumentHelp("A client's command, to its engine's answer. Default: 10.", valueName: "seconds")) var commandTimeout:
        String?
    @Option(help: ArgumentHelp("The same of the command stop. Default: 30.", valueName: "seconds")) var stopCommandTimeout: String?
    @Option(help: ArgumentHelp("From SIGTERM until what is left is cut off. Default: 25.", valueName: "seconds")) var drainTimeout: String?
    @Option(help: ArgumentHelp("A session nobody uses is forgotten. Default: 86400.", valueName: "seconds")) var sessionIdleTimeout: String?

    @Option(help: ArgumentHelp("Where to write the chosen addresses, as JSON, once both listeners accept.", valueName: "file"))
    var readyFile: String?
    @Option(help: "trace, debug, info, notice, warning, error or critical. Default: info.") var logLevel: String?

    /// The flags given, by the name of their row.
    var given: [(name: String, value: String)] {
        let values: [(String, String?)] = [
            ("listen", listen), ("control", control), ("workers", workers), ("allow-anonymous", allowAnonymous ? "true" : nil),
            ("allowed-origins", allowedOrigins), ("registered-sessions-only", registeredSessionsOnly ? "true" : nil),
            ("trusted-proxies", trustedProxies), ("proxy-protocol", proxyProtocol ? "true" : nil),
            ("jwt-secret-file", jwtSecretFile), ("jwks", jwks), ("jwks-ca", jwksCa),
            ("jwks-refresh-interval", jwksRefreshInterval), ("jwks-unknown-key-interval", jwksUnknownKeyInterval),
            ("jwks-timeout", jwksTimeout), ("jwt-issuer", jwtIssuer),
            ("jwt-audience", jwtAudience), ("token-expiry", tokenExpiry), ("max-connection-lifetime", maxConnectionLifetime),
            ("api-key-file", apiKeyFile), ("publish-rate-per-key", publishRatePerKey),
            ("auth-failure-rate-per-address", authFailureRatePerAddress), ("max-connections", maxConnections),
            ("max-connections-per-session", maxConnectionsPerSession),
            ("max-connections-per-address", maxConnectionsPerAddress), ("max-control-connections", maxControlConnections),
            ("max-sessions", maxSessions),
            ("message-rate", messageRate), ("message-burst", messageBurst), ("message-byte-rate", messageByteRate),
            ("message-byte-burst", messageByteBurst), ("max-message-excess", maxMessageExcess),
            ("max-commands-in-flight", maxCommandsInFlight),
            ("connection-rate-per-address", connectionRatePerAddress), ("connection-burst-per-address", connectionBurstPerAddress),
            ("max-request-line-bytes", maxRequestLineBytes), ("max-header-line-bytes", maxHeaderLineBytes),
            ("max-headers-bytes", maxHeadersBytes), ("max-header-fields", maxHeaderFields),
            ("max-message-bytes", maxMessageBytes), ("max-message-fragments", maxMessageFragments),
            ("max-publish-bytes", maxPublishBytes), ("max-event-bytes", maxEventBytes), ("max-write-queue-bytes", maxWriteQueueBytes),
            ("data", data), ("durability", durability), ("max-history-events", maxHistoryEvents), ("max-history-bytes", maxHistoryBytes),
            ("history-retention", historyRetention), ("memory-budget", memoryBudget),
            ("deflate", deflate), ("deflate-threshold-bytes", deflateThresholdBytes), ("request-head-timeout", requestHeadTimeout),
            ("request-body-timeout", requestBodyTimeout), ("idle-timeout", idleTimeout),
            ("heartbeat-interval", heartbeatInterval), ("stale-timeout", staleTimeout), ("close-timeout", closeTimeout),
            ("write-timeout", writeTimeout), ("message-timeout", messageTimeout),
            ("command-timeout", commandTimeout), ("stop-command-timeout", stopCommandTimeout), ("drain-timeout", drainTimeout),
            ("session-idle-timeout", sessionIdleTimeout),
            ("tls-certificate", tlsCertificate), ("tls-key", tlsKey), ("control-tls", controlTls ? "true" : nil),
            ("control-client-ca", controlClientCa), ("max-tls-handshakes", maxTlsHandshakes),
            ("tls-handshake-timeout", tlsHandshakeTimeout), ("log-level", logLevel),
        ]
        return values.compactMap { name, value in value.map { (name, $0) } }
    }
}

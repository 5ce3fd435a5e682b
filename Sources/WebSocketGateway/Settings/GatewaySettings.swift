package import Logging
public import Sessions

/// Everything an operator may set, with the defaults. A plain value: a running gateway has its own, and ``WebSocketManager/reload(_:)`` gives it another.
///
/// Each name is also a command line flag, an environment variable and a file key of the executable (docs/OPERATING.md).
public struct GatewaySettings: Sendable, Equatable {
    // MARK: Where

    /// The public listener, for clients: `HOST:PORT`, numeric or `localhost`. Port 0 lets the kernel choose.
    public var listen = "127.0.0.1:8080"
    /// The control listener, for engines and operators: `HOST:PORT`, or `unix:/PATH` for a Unix-domain socket that only this user opens. On this machine,
    /// unless there are keys for it (``apiKeyFile``).
    public var control = "127.0.0.1:8081"
    /// Event loops, one thread each. Range 1 to 64; nil means one per core.
    public var workers: Int?

    // MARK: Who

    /// Lets clients in without a token: where the public listener is not on loopback, and where tokens are asked for.
    public var allowAnonymous = false
    /// A file with the secret that tokens are signed with (HS256), or with a public key in PEM. Nil, and no key set either: no token is looked at.
    public var tokenSecretFile: String?
    /// A file with a JSON Web Key Set (RFC 7517), or the URL that its issuer publishes it at: `https`, or `http` of a loopback host.
    public var tokenKeySet: String?
    /// A PEM file with the authorities that the certificate at that URL is of, no others. Nil: those of the system.
    public var keySetAuthorities: String?
    /// From one fetch of that URL to the next. After a failure sooner: after 1 s, 2 s, 4 s, at the most 30 s.
    public var keySetRefreshInterval: Duration = .seconds(300)
    /// Tokens that name an unknown key have it fetched at once, and at most once in this time.
    public var keySetUnknownKeyInterval: Duration = .seconds(30)
    /// One fetch, from the look-up of the name to the last byte; 60 s at the most. The start waits for the first.
    public var keySetTimeout: Duration = .seconds(5)
    /// What a token's `iss` must be. Nil: anything.
    public var tokenIssuer: String?
    /// What a token's `aud` must be or hold. Nil: anything.
    public var tokenAudience: String?
    /// What the end of a token means to the connection it opened.
    public var tokenExpiry = TokenExpiry.connect
    /// A client connection is closed with 1012 after this time, spread over a tenth of it, so that its client comes back with a fresh token. Zero: never.
    public var connectionLifetimeMax: Duration = .zero
    /// A file with the hashes of the keys that engines and operators show on the control listener, and what each may do. Nil: whoever reaches the
    /// listener may do anything, and it must be on this machine.
    public var apiKeyFile: String?
    /// Origins (`scheme://host[:port]`) whose pages may connect; `*` allows all. Empty: a loopback listener allows loopback origins, others none.
    public var allowedOrigins: [String] = []
    /// Serves only sessions that an engine registered or published to; others are 404.
    public var registeredSessionsOnly = false
    /// Addresses or CIDR blocks of proxies whose `X-Forwarded-For` is believed.
    public var trustedProxies: [String] = []
    /// Connections of these proxies begin with a PROXY header, version 2, which says whose they are.
    public var proxyProtocol = false

    // MARK: TLS

    /// A PEM file with the certificate of the public listener, and behind it those that lead from it to an authority. Nil: plain HTTP.
    public var tlsCertificate: String?
    /// A PEM file with the certificate's private key, without a passphrase. It may be the same file.
    public var tlsKey: String?
    /// The control listener speaks TLS too, with the same certificate.
    public var controlTLS = false
    /// A PEM file with authorities: only clients with a certificate of one of them get in at the control listener.
    public var controlClientCA: String?
    /// TLS handshakes under way at once; each worker has an equal share. More are refused.
    public var tlsHandshakesMax = 1024
    /// A TLS handshake, from the accept to its end.
    public var tlsHandshakeTimeout: Duration = .seconds(5)

    // MARK: How many

    /// Client connections at once, counted from their accept. Lowered at the start where the descriptor limit does not allow it.
    public var connectionsMax = 10_000
    /// Client connections of one session. 100 is the existing system's limit.
    public var connectionsPerSessionMax = 100
    /// Client connections from one address (IPv6: one /64). Loopback peers and trusted proxies themselves are not counted.
    public var connectionsPerAddressMax = 200
    /// Connections to the control listener at once.
    public var controlConnectionsMax = 256
    /// Sessions known at once.
    public var sessionsMax = 100_000

    // MARK: How often

    /// Messages and control frames a second from one client. Over it: an error event for the first of a second, the others are dropped.
    public var messageRate = 50
    /// So many at once after a pause.
    public var messageBurst = 100
    /// Payload bytes a second from one client, as sent and again by what they inflate to.
    public var messageByteRate = 65_536
    /// So many at once after a pause; at least ``messageBytesMax``. Nil: four times that.
    public var messageByteBurst: Int?
    /// So many messages over these rates within ten seconds close the connection with 4429.
    public var messageExcessMax = 100
    /// New connections a second from one address (IPv6: one /64). Loopback peers and trusted proxies themselves are not counted. Over it: 429.
    public var connectionRatePerAddress = 20
    /// So many at once after a pause.
    public var connectionBurstPerAddress = 200
    /// Tokens a minute, from one address (IPv6: one /64), that are none of ours; so many at once. More are 429, and are not looked at. Expired ones do not
    /// count, nor do loopback peers and trusted proxies themselves.
    public var authenticationFailureRatePerAddress = 10
    /// Events a second that one API key publishes; as many at once after a pause, and one request may have more. Over it: 429. Zero: as many as it likes.
    public var publishRatePerKey = 0

    /// Commands of one client without an answer; 1 to 1,024, which is what a session has room for. More are `RATE_LIMITED`.
    public var commandsInFlightMax = 32

    // MARK: How large

    /// A request's first line, in bytes without its end; more is 414.
    public var requestLineBytesMax = 8192
    /// One header line, in bytes without its end; more is 431.
    public var headerLineBytesMax = 8192
    /// All header lines of a request, in bytes; more is 431.
    public var headersBytesMax = 16_384
    /// Header lines of a request; more is 431.
    public var headerFieldsMax = 64

    /// One message from a client, in bytes.
    public var messageBytesMax = 65_536
    /// Frames one message may be split into, empty ones counted.
    public var messageFragmentsMax = 64
    /// One publish request's body, in bytes.
    public var publishBytesMax = 1_048_576
    /// One event's JSON, in bytes.
    public var eventBytesMax = 524_288
    /// What may wait for one slow connection, in bytes, before it is fed from the history; where none is kept, before it is closed with 4408.
    public var writeQueueBytesMax = 1_048_576

    // MARK: What survives

    /// A directory for the history, registrations and idempotency keys. Nil: they live in memory, and end with the process.
    public var dataDirectory: String?
    /// What of it survives. Nil: ``Durability/commit`` with a data directory, ``Durability/memory`` without one.
    public var durability: Durability?

    // MARK: How much memory

    /// What kept events, the queues of slow connections, and what the kernel holds for those may take together, in bytes; each worker has an equal share,
    /// 1 MiB at least. Beyond it queues are left to the history, the idlest sessions' events are dropped, and the slowest connections are closed with 4408,
    /// in this order (docs/decisions/0016). Nil: a quarter of what the machine or the container has.
    public var memoryBudgetBytes: Int?

    // MARK: How much is kept

    /// Events of a session that are kept for clients that come late or fall behind. Zero keeps none.
    public var historyEventsMax = 10_000
    /// Memory of one session's kept events, in bytes.
    public var historyBytesMax = 16_777_216
    /// An event older than this is kept no more.
    public var historyRetention: Duration = .seconds(86_400)

    // MARK: Compression

    /// Agrees on permessage-deflate (RFC 7692) with clients that offer it. Each event is compressed once and shared.
    public var deflates = true
    /// Events below this many bytes of JSON go out as they are: compressing them costs more than it saves.
    public var deflateThresholdBytes = 512

    // MARK: How long

    /// A request's head, from its first byte (or the accept) to its end.
    public var requestHeadTimeout: Duration = .seconds(10)
    /// A publish body, from the end of its head.
    public var requestBodyTimeout: Duration = .seconds(10)
    /// A kept-alive connection without a request.
    public var idleTimeout: Duration = .seconds(75)
    /// Between two heartbeats (and pings) to a client; jittered by a tenth.
    public var heartbeatInterval: Duration = .seconds(30)
    /// A client not heard for this long is closed with 4411. Zero: never.
    public var staleTimeout: Duration = .seconds(75)
    /// From our close frame to the peer's.
    public var closeTimeout: Duration = .seconds(5)
    /// A client whose queue makes no progress for this long is closed with 4408.
    public var writeTimeout: Duration = .seconds(5)
    /// A fragmented message, from its first frame to its last.
    public var messageTimeout: Duration = .seconds(30)
    /// From a command to its answer; then `COMMAND_TIMEOUT`.
    public var commandTimeout: Duration = .seconds(10)
    /// The same of `stop`, before which a position may have to be closed.
    public var stopCommandTimeout: Duration = .seconds(30)
    /// From SIGTERM until whatever is left is cut off.
    public var drainTimeout: Duration = .seconds(25)
    /// A session without connections and events is forgotten after this time.
    public var sessionIdleTimeout: Duration = .seconds(86_400)

    /// The executable's, and the least that it logs. A program that embeds the gateway gives it a logger with a level of its own.
    package var logLevel = Logger.Level.info
    /// Echo every message on any path, as the conformance suites want it; no sessions, no control listener.
    package var echoes = false
    /// The kernel's send buffer of client sockets, in bytes; nil leaves it to the kernel. Tests make clients slow by it.
    package var sendBufferBytes: Int?

    public init() {}
}

/// When a token's `exp` is looked at.
public enum TokenExpiry: String, CaseIterable, Sendable {
    /// When it is given: identity providers issue tokens that live for a minute, and a session is watched for hours.
    case connect
    /// All the time: the connection is closed with 4401 when its token has ended and was not renewed.
    case close
}

internal import EventLoop
internal import HTTP
internal import Sessions
internal import WebSocket

/// The settings after checking, in the forms the workers use. Immutable: a reload makes another, and each worker has its own copy of the one in force.
struct Plan: Sendable {
    let settings: GatewaySettings
    let listen: SocketAddress
    let control: Endpoint
    let workers: Int
    /// Client connections at once, after the descriptor limit had its say.
    let connectionsMax: Int
    let origins: OriginPolicy
    let proxies: TrustedProxies
    let httpLimits: HTTPLimits
    let webSocketLimits: WebSocketLimits
    let eventLimits: EventLimits
    let messageLimits: MessageMeter.Limits
    let connectionRate: RateLimit
    let authenticationFailureRate: RateLimit
    /// As they were at the start; the door has those of now.
    let tokenKeys: TokenKeys?
    /// As it was at the start; nil where the keys of tokens come from no URL.
    let keySet: KeySetSource?
    let apiKeys: APIKeys?
    let publishRate: RateLimit?
    let durability: Durability
    let history: SessionHistory.Limits
    let memoryBytesPerWorker: Int
    /// As it was at the start; ``Switchboard/tls`` is what counts.
    let tls: ListenerTLS?
    let tlsHandshakesPerWorker: Int

    let requestHeadTimeout: UInt64
    let requestBodyTimeout: UInt64
    let idleTimeout: UInt64
    let heartbeatInterval: UInt64
    let staleTimeout: UInt64
    let closeTimeout: UInt64
    let writeTimeout: UInt64
    let messageTimeout: UInt64
    let commandTimeout: UInt64
    let stopCommandTimeout: UInt64
    let drainTimeout: UInt64
    let sessionIdleTimeout: UInt64
    /// 0: none.
    let connectionLifetimeMax: UInt64
    let tlsHandshakeTimeout: UInt64
    /// Of clients that answer pings, so that their silence means something, and of those that cannot.
    let heardLimits: ConnectionClock.Limits
    let unheardLimits: ConnectionClock.Limits
    /// What may wait in an outbox in all: the events of a full queue, a page of the history or an event that was let in when it was empty, and as much
    /// again of our own messages. A reload does not lower it: what waits was let in under the earlier limits.
    let outboxBytesMax: Int
    /// A page of the history: as much as a batch, where the queue it waits in has room for that. One larger event comes alone.
    let pageBytesMax: Int

    /// Descriptors kept for the control listener, the loops, those who are refused and still read why, and the files a process opens.
    static func descriptorReserve(controlConnections: Int, workers: Int) -> Int {
        controlConnections + (16 + RefusedConnection.countMax) * workers + 64
    }

    /// 32 KiB unsent: what waits beyond it costs the kernel nothing, and policy still reaches it. Less would leave a fast client waiting for a turn
    /// of ours: half of it, at which we are told, lasts a busy turn of 5 ms at 26 Mbit/s.
    var connectionOptions: ConnectionOptions {
        ConnectionOptions(
            unsentLowWaterBytes: Int32(MemoryShare.unsentBytesMax), sendBufferBytes: settings.sendBufferBytes.map(Int32.init(clamping:)))
    }

    /// `earlier` is the plan that this one is to replace.
    init(_ settings: GatewaySettings, descriptorLimit: Int, cores: Int, memoryBytes: Int, replacing earlier: Plan? = nil)
        throws(SettingsError)
    {
        self.settings = settings
        listen = try Self.address(settings.listen, "listen")
        control = try Self.endpoint(settings.control, "control")
        workers = try Self.within(settings.workers ?? min(cores, 64), 1...64, "workers")

        tokenKeys = try TokenKeys.read(settings)
        keySet = try KeySetSource.read(settings)
        apiKeys = try APIKeys.read(settings)
        if !settings.echoes {
            guard control.isLocal || settings.controlClientCA != nil || apiKeys != nil else {
                throw SettingsError(
                    "control",
                    "\(settings.control) is open to the network, and without API keys anybody could publish; pass --api-key-file, or use a loopback address"
                )
            }
            guard listen.isLoopback || settings.allowAnonymous || tokenKeys != nil else {
                throw SettingsError(
                    "listen",
                    "\(settings.listen) is open to the network and no token is asked for; pass --jwks or --jwt-secret-file, or --allow-anonymous to let everybody in"
                )
            }
            if listen.port != 0, control == .network(listen) { throw SettingsError("control", "is the same address as listen") }
        }

        try Self.within(settings.connectionsMax, 1...10_000_000, "max-connections")
        try Self.within(settings.connectionsPerSessionMax, 1...10_000_000, "max-connections-per-session")
        try Self.within(settings.connectionsPerAddressMax, 1...10_000_000, "max-connections-per-address")
        try Self.within(settings.controlConnectionsMax, 1...100_000, "max-control-connections")
        try Self.within(settings.sessionsMax, 1...100_000_000, "max-sessions")
        let reserve = Self.descriptorReserve(controlConnections: settings.controlConnectionsMax, workers: workers)
        guard descriptorLimit > reserve else {
            throw SettingsError(
                "max-control-connections",
                "the descriptor limit of \(descriptorLimit) leaves no room for clients after a reserve of \(reserve)")
        }
        connectionsMax = min(settings.connectionsMax, descriptorLimit - reserve)

        try Self.within(settings.requestLineBytesMax, 64...1_048_576, "max-request-line-bytes")
        try Self.within(settings.headerLineBytesMax, 64...1_048_576, "max-header-line-bytes")
        try Self.within(settings.headersBytesMax, 256...8_388_608, "max-headers-bytes")
        try Self.within(settings.headerFieldsMax, 8...100_000, "max-header-fields")
        try Self.within(settings.messageBytesMax, 125...268_435_456, "max-message-bytes")
        try Self.within(settings.messageFragmentsMax, 1...10_000_000, "max-message-fragments")
        try Self.within(settings.publishBytesMax, 1024...268_435_456, "max-publish-bytes")
        try Self.within(settings.eventBytesMax, 64...settings.publishBytesMax, "max-event-bytes")
        try Self.within(settings.writeQueueBytesMax, 4096...1_073_741_824, "max-write-queue-bytes")

        durability = try Self.durability(settings)
        try Self.within(settings.historyEventsMax, 0...10_000_000, "max-history-events")
        try Self.within(settings.historyBytesMax, 4096...1_099_511_627_776, "max-history-bytes")
        // Less than 1 MiB a worker would close whoever lags: the kernel's part for 16 of them is half of it.
        let least = workers << 20
        // 1 GiB where the system does not say.
        let memory = memoryBytes > 0 ? memoryBytes : 1 << 30
        let budget = settings.memoryBudgetBytes ?? min(max(least, memory / 4), 1 << 40)
        memoryBytesPerWorker = try Self.within(budget, least...1_099_511_627_776, "memory-budget") / workers
        history = SessionHistory.Limits(
            eventsMax: settings.historyEventsMax, bytesMax: settings.historyBytesMax,
            retention: try Self.milliseconds(settings.historyRetention, "history-retention") * 1_000_000)

        if case .unix = control, settings.controlTLS {
            throw SettingsError(
                "control-tls", "is of no use on a Unix-domain socket: its file is its owner's alone, and nobody is on the way")
        }
        tls = try ListenerTLS.load(settings)
        tlsHandshakesPerWorker = max(1, try Self.within(settings.tlsHandshakesMax, 1...1_000_000, "max-tls-handshakes") / workers)

        try Self.within(settings.deflateThresholdBytes, 0...1_073_741_824, "deflate-threshold-bytes")

        try Self.within(settings.commandsInFlightMax, 1...CommandTable.Limits().sessionMax, "max-commands-in-flight")
        try Self.within(settings.messageExcessMax, 1...1_000_000_000, "max-message-excess")
        messageLimits = MessageMeter.Limits(
            messages: try Self.rate(settings.messageRate, "message-rate", burst: settings.messageBurst, "message-burst"),
            // A message of the greatest length must find room in a full bucket, or it could never be sent.
            bytes: try Self.rate(
                settings.messageByteRate, "message-byte-rate",
                burst: settings.messageByteBurst ?? min(settings.messageBytesMax * 4, 1_000_000_000),
                "message-byte-burst",
                burstMin: settings.messageBytesMax),
            excessMax: settings.messageExcessMax)
        connectionRate = try Self.rate(
            settings.connectionRatePerAddress, "connection-rate-per-address", burst: settings.connectionBurstPerAddress,
            "connection-burst-per-address")

        authenticationFailureRate = RateLimit(
            perMinute: UInt64(try Self.within(settings.authenticationFailureRatePerAddress, 1...1_000_000, "auth-failure-rate-per-address"))
        )

        publishRate =
            settings.publishRatePerKey == 0
            ? nil
            : try Self.rate(
                settings.publishRatePerKey, "publish-rate-per-key", burst: settings.publishRatePerKey, "publish-rate-per-key")

        origins = try OriginPolicy(settings.allowedOrigins, onLoopback: listen.isLoopback)
        proxies = try TrustedProxies(settings.trustedProxies)
        guard !settings.proxyProtocol || !settings.trustedProxies.isEmpty else {
            throw SettingsError("proxy-protocol", "needs the proxies that send it; pass --trusted-proxies")
        }

        var http = HTTPLimits()
        http.requestLineBytesMax = settings.requestLineBytesMax
        http.headerLineBytesMax = settings.headerLineBytesMax
        http.headersBytesMax = settings.headersBytesMax
        http.headerFieldsMax = settings.headerFieldsMax
        http.bodyBytesMax = settings.publishBytesMax
        httpLimits = http
        var webSocket = WebSocketLimits()
        webSocket.messageBytesMax = settings.messageBytesMax
        webSocket.fragmentsMax = settings.messageFragmentsMax
        webSocketLimits = webSocket
        var events = EventLimits()
        events.eventBytesMax = settings.eventBytesMax
        eventLimits = events

        requestHeadTimeout = try Self.milliseconds(settings.requestHeadTimeout, "request-head-timeout")
        requestBodyTimeout = try Self.milliseconds(settings.requestBodyTimeout, "request-body-timeout")
        idleTimeout = try Self.milliseconds(settings.idleTimeout, "idle-timeout")
        heartbeatInterval = try Self.milliseconds(settings.heartbeatInterval, "heartbeat-interval")
        staleTimeout = try Self.milliseconds(settings.staleTimeout, "stale-timeout", zeroMeansNever: true)
        closeTimeout = try Self.milliseconds(settings.closeTimeout, "close-timeout")
        writeTimeout = try Self.milliseconds(settings.writeTimeout, "write-timeout")
        messageTimeout = try Self.milliseconds(settings.messageTimeout, "message-timeout")
        commandTimeout = try Self.milliseconds(settings.commandTimeout, "command-timeout")
        stopCommandTimeout = try Self.milliseconds(settings.stopCommandTimeout, "stop-command-timeout")
        drainTimeout = try Self.milliseconds(settings.drainTimeout, "drain-timeout")
        sessionIdleTimeout = try Self.milliseconds(settings.sessionIdleTimeout, "session-idle-timeout")
        connectionLifetimeMax = try Self.milliseconds(settings.connectionLifetimeMax, "max-connection-lifetime", zeroMeansNever: true)
        tlsHandshakeTimeout = try Self.milliseconds(settings.tlsHandshakeTimeout, "tls-handshake-timeout")

        heardLimits = ConnectionClock.Limits(stale: staleTimeout == 0 ? nil : staleTimeout, write: writeTimeout, message: messageTimeout)
        unheardLimits = ConnectionClock.Limits(stale: nil, write: writeTimeout, message: messageTimeout)
        pageBytesMax = min(Batch.bytesMax, settings.writeQueueBytesMax)
        outboxBytesMax = max(
            2 * (settings.writeQueueBytesMax + max(Batch.bytesMax, settings.eventBytesMax)), earlier?.outboxBytesMax ?? 0)
    }

    /// What an engine may ask for its session: as much as is kept of any, or less. With a store, something.
    func check(_ limits: HistoryLimits) throws(SettingsError) {
        let eventsMin: Int64 = durability == .memory ? 0 : 1
        for name in HistoryLimits.Name.allCases {
            guard let value = limits[name] else { continue }
            let range: ClosedRange<Int64> =
                switch name {
                case .eventsMax: eventsMin...Int64(history.eventsMax)
                case .bytesMax: name.range.lowerBound...Int64(history.bytesMax)
                case .retention: name.range.lowerBound...Int64(history.retention / 1_000_000)
                }
            guard !range.contains(value) else { continue }
            let nothing = name == .eventsMax && value == 0 ? "; the gateway keeps a history on disk, and 0 would keep nothing" : ""
            throw SettingsError(
                name.rawValue,
                "\(value) is not within \(range.lowerBound) to \(range.upperBound), what this gateway keeps of any session\(nothing)")
        }
    }

    /// What an operator should know, though it can be used.
    var warnings: [String] {
        // As late as a heartbeat may be: a tenth over its interval.
        guard staleTimeout > 0, staleTimeout <= heartbeatInterval + heartbeatInterval / 10 else { return [] }
        let (stale, heartbeat) = (SettingRow.seconds(settings.staleTimeout), SettingRow.seconds(settings.heartbeatInterval))
        return [
            "stale-timeout (\(stale) s) is over before the next heartbeat (heartbeat-interval: \(heartbeat) s, and up to a tenth more):"
                + " clients that only listen are closed with 4411 again and again"
        ]
    }

    private static func durability(_ settings: GatewaySettings) throws(SettingsError) -> Durability {
        let durability = settings.durability ?? (settings.dataDirectory == nil ? .memory : .commit)
        guard settings.dataDirectory != nil || durability == .memory else {
            throw SettingsError("durability", "\(durability.rawValue) needs a directory to keep the history in; pass --data")
        }
        guard settings.dataDirectory == nil || durability != .memory else {
            throw SettingsError("durability", "memory keeps nothing in the directory of --data; leave one of them out")
        }
        if let directory = settings.dataDirectory {
            do throws(SystemError) { _ = try Folder.names(directory) } catch {
                throw SettingsError(
                    "data", "\(directory) is no directory to keep the history in (\(error.reason)); make one, for the gateway's user alone")
            }
        }
        guard settings.dataDirectory == nil || settings.historyEventsMax > 0 else {
            throw SettingsError("max-history-events", "0 keeps nothing, and --data asks for a history; leave one of them out")
        }
        return durability
    }

    private static func address(_ text: String, _ setting: String) throws(SettingsError) -> SocketAddress {
        guard let address = SocketAddress(parsing: text) else {
            throw SettingsError(
                setting, "\"\(text)\" is not HOST:PORT with a numeric address or localhost, such as 127.0.0.1:8080 or [::1]:8080")
        }
        return address
    }

    private static func endpoint(_ text: String, _ setting: String) throws(SettingsError) -> Endpoint {
        do throws(UnixPath.Fault) {
            if let endpoint = try Endpoint(parsing: text) { return endpoint }
        } catch {
            throw SettingsError(setting, error.description)
        }
        throw SettingsError(
            setting,
            "\"\(text)\" is not HOST:PORT with a numeric address or localhost, such as 127.0.0.1:8081 or [::1]:8081, nor unix:/PATH")
    }

    @discardableResult
    private static func within(_ value: Int, _ range: ClosedRange<Int>, _ setting: String) throws(SettingsError) -> Int {
        guard range.contains(value) else {
            throw SettingsError(setting, "\(value) is not within \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    private static func rate(
        _ perSecond: Int, _ rateSetting: String, burst: Int, _ burstSetting: String, burstMin: Int = 1
    ) throws(SettingsError) -> RateLimit {
        RateLimit(
            perSecond: UInt64(try within(perSecond, 1...1_000_000_000, rateSetting)),
            burst: UInt64(try within(burst, burstMin...1_000_000_000, burstSetting)))
    }

    static func milliseconds(_ duration: Duration, _ setting: String, zeroMeansNever: Bool = false) throws(SettingsError) -> UInt64 {
        if zeroMeansNever, duration == .zero { return 0 }
        guard duration >= .milliseconds(10), duration <= .seconds(10_000_000) else {
            throw SettingsError(setting, "\(SettingRow.seconds(duration)) is not within 0.01 to 10000000 seconds")
        }
        let (seconds, attoseconds) = duration.components
        return UInt64(seconds) * 1000 + UInt64(attoseconds / 1_000_000_000_000_000)
    }
}

internal import Logging
internal import Sessions

/// One setting: its name (the flag without dashes; the file's key; `WSG_` and upper case for the environment), its unit, how its text is read and
/// written, and whether a reload may change it.
package struct SettingRow: Sendable {
    /// When a change of a setting counts.
    package enum Change: Sendable {
        /// With a reload, for everybody: from the next message, request, connection or look at the clock on.
        case reloadable
        /// With a reload, for the connections that are made from then on.
        case newConnections
        /// Only at a start: a reload that would change it is refused (docs/decisions/0025).
        case atStart
    }

    package let name: String
    package let change: Change
    package let read: @Sendable (String, inout GatewaySettings) throws(SettingsError) -> Void
    /// The value as the file would have it; nil: none. No setting is a secret: those are in files, and settings name the files.
    package let text: @Sendable (GatewaySettings) -> String?

    package var environmentName: String { Self.environmentName(of: name) }

    package static func environmentName(of name: String) -> String {
        "WSG_" + name.uppercased().map { $0 == "-" ? "_" : String($0) }.joined()
    }

    /// A number of seconds, as the file has it.
    static func seconds(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        return attoseconds == 0 ? "\(seconds)" : "\(Double(seconds) + Double(attoseconds) / 1e18)"
    }

    /// Every setting of the gateway. docs/OPERATING.md describes each, and says of each whether it is reloadable; a test holds the two against each other.
    package static let all: [SettingRow] = [
        text("listen", \.listen, .atStart),
        text("control", \.control, .atStart),
        optionalCount("workers", \.workers, .atStart),
        flag("allow-anonymous", \.allowAnonymous, .reloadable),
        list("allowed-origins", \.allowedOrigins, .reloadable),
        flag("registered-sessions-only", \.registeredSessionsOnly, .reloadable),
        list("trusted-proxies", \.trustedProxies, .reloadable),
        flag("proxy-protocol", \.proxyProtocol, .newConnections),
        file("jwt-secret-file", \.tokenSecretFile, .atStart),
        optionalText("jwks", \.tokenKeySet, .atStart),
        file("jwks-ca", \.keySetAuthorities, .atStart),
        seconds("jwks-refresh-interval", \.keySetRefreshInterval, .reloadable),
        seconds("jwks-unknown-key-interval", \.keySetUnknownKeyInterval, .reloadable),
        seconds("jwks-timeout", \.keySetTimeout, .reloadable),
        optionalText("jwt-issuer", \.tokenIssuer, .reloadable),
        optionalText("jwt-audience", \.tokenAudience, .reloadable),
        tokenExpiry("token-expiry", \.tokenExpiry, .newConnections),
        seconds("max-connection-lifetime", \.connectionLifetimeMax, .newConnections),
        file("api-key-file", \.apiKeyFile, .atStart),
        count("publish-rate-per-key", \.publishRatePerKey, .reloadable),
        count("auth-failure-rate-per-address", \.authenticationFailureRatePerAddress, .reloadable),
        count("max-connections", \.connectionsMax, .reloadable),
        count("max-connections-per-session", \.connectionsPerSessionMax, .reloadable),
        count("max-connections-per-address", \.connectionsPerAddressMax, .reloadable),
        count("max-control-connections", \.controlConnectionsMax, .reloadable),
        count("max-sessions", \.sessionsMax, .reloadable),
        count("message-rate", \.messageRate, .reloadable),
        count("message-burst", \.messageBurst, .reloadable),
        count("message-byte-rate", \.messageByteRate, .reloadable),
        optionalCount("message-byte-burst", \.messageByteBurst, .reloadable),
        count("max-message-excess", \.messageExcessMax, .reloadable),
        count("max-commands-in-flight", \.commandsInFlightMax, .reloadable),
        count("connection-rate-per-address", \.connectionRatePerAddress, .reloadable),
        count("connection-burst-per-address", \.connectionBurstPerAddress, .reloadable),
        count("max-request-line-bytes", \.requestLineBytesMax, .newConnections),
        count("max-header-line-bytes", \.headerLineBytesMax, .newConnections),
        count("max-headers-bytes", \.headersBytesMax, .newConnections),
        count("max-header-fields", \.headerFieldsMax, .newConnections),
        count("max-message-bytes", \.messageBytesMax, .newConnections),
        count("max-message-fragments", \.messageFragmentsMax, .newConnections),
        count("max-publish-bytes", \.publishBytesMax, .newConnections),
        count("max-event-bytes", \.eventBytesMax, .reloadable),
        count("max-write-queue-bytes", \.writeQueueBytesMax, .reloadable),
        optionalText("data", \.dataDirectory, .atStart),
        durability("durability", \.durability, .atStart),
        count("max-history-events", \.historyEventsMax, .atStart),
        count("max-history-bytes", \.historyBytesMax, .atStart),
        seconds("history-retention", \.historyRetention, .atStart),
        optionalCount("memory-budget", \.memoryBudgetBytes, .atStart),
        flag("deflate", \.deflates, .newConnections),
        count("deflate-threshold-bytes", \.deflateThresholdBytes, .reloadable),
        seconds("request-head-timeout", \.requestHeadTimeout, .reloadable),
        seconds("request-body-timeout", \.requestBodyTimeout, .reloadable),
        seconds("idle-timeout", \.idleTimeout, .reloadable),
        seconds("heartbeat-interval", \.heartbeatInterval, .reloadable),
        seconds("stale-timeout", \.staleTimeout, .reloadable),
        seconds("close-timeout", \.closeTimeout, .reloadable),
        seconds("write-timeout", \.writeTimeout, .reloadable),
        seconds("message-timeout", \.messageTimeout, .reloadable),
        seconds("command-timeout", \.commandTimeout, .reloadable),
        seconds("stop-command-timeout", \.stopCommandTimeout, .reloadable),
        seconds("drain-timeout", \.drainTimeout, .reloadable),
        seconds("session-idle-timeout", \.sessionIdleTimeout, .reloadable),
        file("tls-certificate", \.tlsCertificate, .atStart),
        file("tls-key", \.tlsKey, .atStart),
        flag("control-tls", \.controlTLS, .atStart),
        file("control-client-ca", \.controlClientCA, .atStart),
        count("max-tls-handshakes", \.tlsHandshakesMax, .reloadable),
        seconds("tls-handshake-timeout", \.tlsHandshakeTimeout, .newConnections),
        logLevel("log-level", \.logLevel, .reloadable),
    ]

    // MARK: Kinds of settings

    private typealias Path<Value> = any WritableKeyPath<GatewaySettings, Value> & Sendable

    private static func text(_ name: String, _ path: Path<String>, _ change: Change) -> SettingRow {
        SettingRow(name: name, change: change) { text, settings throws(SettingsError) in
            settings[keyPath: path] = text
        } text: {
            $0[keyPath: path]
        }
    }

    private static func optionalText(_ name: String, _ path: Path<String?>, _ change: Change, ifEmpty: String = "names nothing")
        -> SettingRow
    {
        SettingRow(name: name, change: change) { text, settings throws(SettingsError) in
            guard !text.isEmpty else { throw SettingsError(name, ifEmpty) }
            settings[keyPath: path] = text
        } text: {
            $0[keyPath: path]
        }
    }

    private static func file(_ name: String, _ path: Path<String?>, _ change: Change) -> SettingRow {
        optionalText(name, path, change, ifEmpty: "names no file")
    }

    private static func tokenExpiry(_ name: String, _ path: Path<TokenExpiry>, _ change: Change) -> SettingRow {
        SettingRow(name: name, change: change) { text, settings throws(SettingsError) in
            settings[keyPath: path] = try choice(name, text)
        } text: {
            $0[keyPath: path].rawValue
        }
    }

    private static func durability(_ name: String, _ path: Path<Durability?>, _ change: Change) -> SettingRow {
        SettingRow(name: name, change: change) { text, settings throws(SettingsError) in
            settings[keyPath: path] = try choice(name, text)
        } text: {
            $0[keyPath: path]?.rawValue
        }
    }

    private static func logLevel(_ name: String, _ path: Path<Logger.Level>, _ change: Change) -> SettingRow {
        SettingRow(name: name, change: change) { text, settings throws(SettingsError) in
            settings[keyPath: path] = try choice(name, text)
        } text: {
            $0[keyPath: path].rawValue
        }
    }

    private static func list(_ name: String, _ path: Path<[String]>, _ change: Change) -> SettingRow {
        SettingRow(name: name, change: change) { text, settings throws(SettingsError) in
            settings[keyPath: path] = text.split(whereSeparator: { $0 == "," || $0 == " " }).map(String.init)
        } text: {
            $0[keyPath: path].isEmpty ? nil : $0[keyPath: path].joined(separator: ", ")
        }
    }

    private static func count(_ name: String, _ path: Path<Int>, _ change: Change) -> SettingRow {
        SettingRow(name: name, change: change) { text, settings throws(SettingsError) in
            settings[keyPath: path] = try number(name, text)
        } text: {
            "\($0[keyPath: path])"
        }
    }

    private static func optionalCount(_ name: String, _ path: Path<Int?>, _ change: Change) -> SettingRow {
        SettingRow(name: name, change: change) { text, settings throws(SettingsError) in
            settings[keyPath: path] = try number(name, text)
        } text: {
            $0[keyPath: path].map { "\($0)" }
        }
    }

    private static func flag(_ name: String, _ path: Path<Bool>, _ change: Change) -> SettingRow {
        SettingRow(name: name, change: change) { text, settings throws(SettingsError) in
            switch text.lowercased() {
            case "true", "yes", "on", "1": settings[keyPath: path] = true
            case "false", "no", "off", "0": settings[keyPath: path] = false
            default: throw SettingsError(name, "\"\(text)\" is not true or false")
            }
        } text: {
            "\($0[keyPath: path])"
        }
    }

    private static func seconds(_ name: String, _ path: Path<Duration>, _ change: Change) -> SettingRow {
        SettingRow(name: name, change: change) { text, settings throws(SettingsError) in
            guard let value = Double(text), value.isFinite, value >= 0, value <= 1e7 else {
                throw SettingsError(name, "\"\(text)\" is not a number of seconds")
            }
            settings[keyPath: path] = .seconds(value)
        } text: {
            seconds($0[keyPath: path])
        }
    }

    private static func number(_ name: String, _ text: String) throws(SettingsError) -> Int {
        guard let value = Int(text) else { throw SettingsError(name, "\"\(text)\" is not a whole number") }
        return value
    }

    private static func choice<Choice: RawRepresentable<String> & CaseIterable>(_ name: String, _ text: String) throws(SettingsError)
        -> Choice
    {
        guard let choice = Choice(rawValue: text) else {
            throw SettingsError(name, "\"\(text)\" is not one of \(Choice.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        return choice
    }
}

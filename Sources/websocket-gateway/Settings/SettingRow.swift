import Sessions
import WebSocketGateway

/// One setting: its name (the flag without dashes; the file's key; `WSG_` and upper case for the environment), its unit, and how its text is read.
struct SettingRow: Sendable {
    let name: String
    let read: @Sendable (String, inout GatewaySettings) throws(SettingsError) -> Void

    var environmentName: String { "WSG_" + name.uppercased().map { $0 == "-" ? "_" : String($0) }.joined() }

    /// Every setting of the gateway. docs/OPERATING.md describes each; a test holds the two against each other.
    static let all: [SettingRow] = [
        text("listen", \.listen), text("control", \.control),
        optionalCount("workers", \.workers),
        flag("allow-anonymous", \.allowAnonymous), list("allowed-origins", \.allowedOrigins),
        flag("registered-sessions-only", \.registeredSessionsOnly), list("trusted-proxies", \.trustedProxies),
        flag("proxy-protocol", \.proxyProtocol),
        file("jwt-secret-file", \.tokenSecretFile), optionalText("jwks", \.tokenKeySet), file("jwks-ca", \.keySetAuthorities),
        seconds("jwks-refresh-interval", \.keySetRefreshInterval), seconds("jwks-unknown-key-interval", \.keySetUnknownKeyInterval),
        seconds("jwks-timeout", \.keySetTimeout),
        optionalText("jwt-issuer", \.tokenIssuer), optionalText("jwt-audience", \.tokenAudience),
        tokenExpiry("token-expiry", \.tokenExpiry),
        seconds("max-connection-lifetime", \.connectionLifetimeMax),
        file("api-key-file", \.apiKeyFile), count("publish-rate-per-key", \.publishRatePerKey),
        count("auth-failure-rate-per-address", \.authenticationFailureRatePerAddress),
        count("max-connections", \.connectionsMax), count("max-connections-per-session", \.connectionsPerSessionMax),
        count("max-connections-per-address", \.connectionsPerAddressMax), count("max-control-connections", \.controlConnectionsMax),
        count("max-sessions", \.sessionsMax),
        count("message-rate", \.messageRate), count("message-burst", \.messageBurst),
        count("message-byte-rate", \.messageByteRate), optionalCount("message-byte-burst", \.messageByteBurst),
        count("max-message-excess", \.messageExcessMax),
        count("connection-rate-per-address", \.connectionRatePerAddress),
        count("connection-burst-per-address", \.connectionBurstPerAddress),
        count("max-request-line-bytes", \.requestLineBytesMax), count("max-header-line-bytes", \.headerLineBytesMax),
        count("max-headers-bytes", \.headersBytesMax), count("max-header-fields", \.headerFieldsMax),
        count("max-message-bytes", \.messageBytesMax), count("max-message-fragments", \.messageFragmentsMax),
        count("max-publish-bytes", \.publishBytesMax), count("max-event-bytes", \.eventBytesMax),
        count("max-write-queue-bytes", \.writeQueueBytesMax),
        optionalText("data", \.dataDirectory), durability("durability", \.durability),
        count("max-history-events", \.historyEventsMax), count("max-history-bytes", \.historyBytesMax),
        seconds("history-retention", \.historyRetention), optionalCount("memory-budget", \.memoryBudgetBytes),
        flag("deflate", \.deflates), count("deflate-threshold-bytes", \.deflateThresholdBytes),
        seconds("request-head-timeout", \.requestHeadTimeout), seconds("request-body-timeout", \.requestBodyTimeout),
        seconds("idle-timeout", \.idleTimeout), seconds("heartbeat-interval", \.heartbeatInterval),
        seconds("stale-timeout", \.staleTimeout),
        seconds("close-timeout", \.closeTimeout), seconds("write-timeout", \.writeTimeout), seconds("message-timeout", \.messageTimeout),
        seconds("command-timeout", \.commandTimeout), seconds("stop-command-timeout", \.stopCommandTimeout),
        seconds("drain-timeout", \.drainTimeout), seconds("session-idle-timeout", \.sessionIdleTimeout),
        file("tls-certificate", \.tlsCertificate), file("tls-key", \.tlsKey), flag("control-tls", \.controlTLS),
        file("control-client-ca", \.controlClientCA), count("max-tls-handshakes", \.tlsHandshakesMax),
        seconds("tls-handshake-timeout", \.tlsHandshakeTimeout),
    ]

    // MARK: Kinds of settings

    private static func text(_ name: String, _ path: any WritableKeyPath<GatewaySettings, String> & Sendable) -> SettingRow {
        SettingRow(name: name) { text, settings throws(SettingsError) in settings[keyPath: path] = text }
    }

    private static func optionalText(
        _ name: String, _ path: any WritableKeyPath<GatewaySettings, String?> & Sendable, ifEmpty: String = "names nothing"
    ) -> SettingRow {
        SettingRow(name: name) { text, settings throws(SettingsError) in
            guard !text.isEmpty else { throw SettingsError(name, ifEmpty) }
            settings[keyPath: path] = text
        }
    }

    private static func file(_ name: String, _ path: any WritableKeyPath<GatewaySettings, String?> & Sendable) -> SettingRow {
        optionalText(name, path, ifEmpty: "names no file")
    }

    private static func tokenExpiry(_ name: String, _ path: any WritableKeyPath<GatewaySettings, TokenExpiry> & Sendable) -> SettingRow {
        SettingRow(name: name) { text, settings throws(SettingsError) in
            guard let expiry = TokenExpiry(rawValue: text) else {
                throw SettingsError(name, "\"\(text)\" is not one of \(TokenExpiry.allCases.map(\.rawValue).joined(separator: ", "))")
            }
            settings[keyPath: path] = expiry
        }
    }

    private static func durability(_ name: String, _ path: any WritableKeyPath<GatewaySettings, Durability?> & Sendable) -> SettingRow {
        SettingRow(name: name) { text, settings throws(SettingsError) in
            guard let durability = Durability(rawValue: text) else {
                throw SettingsError(name, "\"\(text)\" is not one of \(Durability.allCases.map(\.rawValue).joined(separator: ", "))")
            }
            settings[keyPath: path] = durability
        }
    }

    private static func list(_ name: String, _ path: any WritableKeyPath<GatewaySettings, [String]> & Sendable) -> SettingRow {
        SettingRow(name: name) { text, settings throws(SettingsError) in
            settings[keyPath: path] = text.split(whereSeparator: { $0 == "," || $0 == " " }).map(String.init)
        }
    }

    private static func count(_ name: String, _ path: any WritableKeyPath<GatewaySettings, Int> & Sendable) -> SettingRow {
        SettingRow(name: name) { text, settings throws(SettingsError) in settings[keyPath: path] = try number(name, text) }
    }

    private static func optionalCount(_ name: String, _ path: any WritableKeyPath<GatewaySettings, Int?> & Sendable) -> SettingRow {
        SettingRow(name: name) { text, settings throws(SettingsError) in settings[keyPath: path] = try number(name, text) }
    }

    private static func flag(_ name: String, _ path: any WritableKeyPath<GatewaySettings, Bool> & Sendable) -> SettingRow {
        SettingRow(name: name) { text, settings throws(SettingsError) in
            switch text.lowercased() {
            case "true", "yes", "on", "1": settings[keyPath: path] = true
            case "false", "no", "off", "0": settings[keyPath: path] = false
            default: throw SettingsError(name, "\"\(text)\" is not true or false")
            }
        }
    }

    private static func seconds(_ name: String, _ path: any WritableKeyPath<GatewaySettings, Duration> & Sendable) -> SettingRow {
        SettingRow(name: name) { text, settings throws(SettingsError) in
            guard let value = Double(text), value.isFinite, value >= 0, value <= 1e7 else {
                throw SettingsError(name, "\"\(text)\" is not a number of seconds")
            }
            settings[keyPath: path] = .seconds(value)
        }
    }

    private static func number(_ name: String, _ text: String) throws(SettingsError) -> Int {
        guard let value = Int(text) else { throw SettingsError(name, "\"\(text)\" is not a whole number") }
        return value
    }
}

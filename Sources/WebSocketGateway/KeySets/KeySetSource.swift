internal import Curl
internal import EventLoop
internal import OpenSSL

/// A key set that its issuer publishes at a URL, and how it is fetched. Immutable: settings read again are a new value.
///
/// Flow: settings → **KeySetSource** → KeySetThread
struct KeySetSource: Sendable {
    let request: FetchRequest
    let expected: TokenClaims.Expected
    /// Milliseconds, as the next.
    let refreshInterval: UInt64
    let unknownKeyInterval: UInt64

    /// A URL, and no file: no path of ours has these three bytes.
    static func isURL(_ text: String) -> Bool { text.utf8Contains("://") }

    /// Nil where the keys of tokens come from nowhere, or from files. Reads files, and waits for the disk; never for the network.
    static func read(_ settings: GatewaySettings) throws(SettingsError) -> KeySetSource? {
        let refresh = try Plan.milliseconds(settings.keySetRefreshInterval, "jwks-refresh-interval")
        let unknownKey = try Plan.milliseconds(settings.keySetUnknownKeyInterval, "jwks-unknown-key-interval")
        let timeout = try Plan.milliseconds(settings.keySetTimeout, "jwks-timeout")
        guard timeout <= 60_000 else {
            throw SettingsError(
                "jwks-timeout",
                "\(SettingRow.seconds(settings.keySetTimeout)) is not within 0.01 to 60 seconds; the start waits for it")
        }
        guard let url = settings.tokenKeySet, isURL(url) else {
            if settings.keySetAuthorities != nil {
                throw SettingsError("jwks-ca", "is of no use without a key set by URL; pass --jwks https://…")
            }
            return nil
        }
        let request = FetchRequest(
            address: try address(url), authorities: try authorities(settings.keySetAuthorities), timeoutMilliseconds: Int(timeout),
            bytesMax: TokenKeys.fileBytesMax, agent: "websocket-gateway/\(BuildInfo.version)")
        return KeySetSource(
            request: request, expected: TokenClaims.Expected(issuer: settings.tokenIssuer, audience: settings.tokenAudience),
            refreshInterval: refresh, unknownKeyInterval: unknownKey)
    }

    private static func address(_ url: String) throws(SettingsError) -> FetchAddress {
        do throws(FetchAddress.Fault) { return try FetchAddress(parsing: url) } catch {
            let reason =
                switch error {
                // Not told, as it may hold a name, a password or a query that is one.
                case .malformed: "is not a URL"
                case .scheme: "is neither a file nor an https URL"
                // Not told: one of its words is a password.
                case .credentials: "the URL has a name or a password in it, which are not sent; key sets are public"
                case .plainBeyondThisMachine:
                    "the URL is not https, and whoever is on the way could put in keys of their own; http is for loopback alone"
                }
            throw SettingsError("jwks", reason)
        }
    }

    private static func authorities(_ path: String?) throws(SettingsError) -> [UInt8]? {
        guard let path else { return nil }
        let bytes: [UInt8]
        do throws(SystemError) { bytes = try SmallFile.read(path, bytesMax: TLSContext.fileBytesMax) } catch {
            throw SettingsError("jwks-ca", "\(path) cannot be read: \(error.reason)")
        }
        // OpenSSL says now what libcurl would say with each fetch.
        do throws(TLSFileError) { _ = try TLSContext.client(trusting: PEMFile(name: path, bytes: bytes)) } catch {
            throw SettingsError("jwks-ca", error.description)
        }
        return bytes
    }
}

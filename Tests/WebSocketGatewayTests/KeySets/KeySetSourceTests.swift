import Curl
import EventLoop
import Testing

@testable import WebSocketGateway

@Suite("A key set at a URL, as settings have it")
struct KeySetSourceTests {
    private func settings(_ url: String? = "https://issuer.example/jwks.json", _ change: (inout GatewaySettings) -> Void = { _ in })
        -> GatewaySettings
    {
        var settings = GatewaySettings()
        settings.tokenKeySet = url
        change(&settings)
        return settings
    }

    private func refusal(_ settings: GatewaySettings) -> SettingsError? {
        do throws(SettingsError) {
            _ = try KeySetSource.read(settings)
            return nil
        } catch { return error }
    }

    @Test func `there is none where the keys come from elsewhere`() throws {
        #expect(try KeySetSource.read(settings(nil)) == nil)
        #expect(try KeySetSource.read(settings("/etc/jwks.json")) == nil)
        #expect(try KeySetSource.read(settings("https:/issuer.example")) == nil, "a file of that name, which is not there either")
    }

    @Test func `a source has what the settings say, within the limits of a file`() throws {
        let source = try #require(
            try KeySetSource.read(
                settings {
                    $0.tokenIssuer = "i"
                    $0.tokenAudience = "a"
                    $0.keySetRefreshInterval = .seconds(60)
                }))
        #expect(source.request.address.text == "https://issuer.example/jwks.json")
        #expect(source.request.authorities == nil)
        #expect(source.request.bytesMax == 65_536)
        #expect(source.request.timeoutMilliseconds == 5000)
        #expect((source.refreshInterval, source.unknownKeyInterval) == (60_000, 30_000))
        #expect(source.expected == TokenClaims.Expected(issuer: "i", audience: "a"))
    }

    @Test(arguments: [
        ("http://issuer.example/", "is not https"), ("ftp://issuer.example/", "neither a file nor an https URL"),
        ("https://", "is not a URL"),
        ("https://anna:geheim@issuer.example/", "a name or a password"),
    ])
    func `a URL that will not do stops the start and says why`(_ url: String, _ reason: String) {
        let refusal = refusal(settings(url))
        #expect(refusal?.setting == "jwks")
        #expect(refusal?.reason.contains(reason) == true)
        #expect(refusal?.reason.contains("geheim") == false)
    }

    @Test func `authorities are read before the first fetch, and are for a URL alone`() throws {
        #expect(refusal(settings { $0.keySetAuthorities = "/nowhere" })?.setting == "jwks-ca")
        #expect(refusal(settings { $0.keySetAuthorities = "/dev/null" })?.setting == "jwks-ca")
        #expect(refusal(settings("/etc/jwks.json") { $0.keySetAuthorities = "/dev/null" })?.reason.contains("no use") == true)
        #expect(refusal(settings(nil) { $0.keySetAuthorities = "/dev/null" })?.reason.contains("no use") == true)
    }

    @Test(arguments: [(10, true), (9, false), (60_000, true), (60_001, false)])
    func `the start waits for the first fetch, so that its time has a limit`(_ milliseconds: Int, _ isGood: Bool) {
        let refusal = refusal(settings { $0.keySetTimeout = .milliseconds(milliseconds) })
        #expect((refusal == nil) == isGood)
        #expect(isGood || refusal?.setting == "jwks-timeout")
    }

    @Test func `intervals are looked at`() {
        #expect(refusal(settings { $0.keySetRefreshInterval = .zero })?.setting == "jwks-refresh-interval")
        #expect(refusal(settings { $0.keySetUnknownKeyInterval = .zero })?.setting == "jwks-unknown-key-interval")
    }
}

import Logging
import Testing

@testable import WebSocketGateway

@Suite("What a reload would change")
struct SettingChangeTests {
    private func changes(_ change: (inout GatewaySettings) -> Void) -> [SettingChange] {
        var later = GatewaySettings()
        change(&later)
        return SettingChange.between(GatewaySettings(), later)
    }

    @Test func `the same settings are no change`() { #expect(changes { _ in }.isEmpty) }

    struct Difference: Sendable, CustomTestStringConvertible {
        let name: String
        let from: String?
        let to: String?
        var isReloadable = true
        let set: @Sendable (inout GatewaySettings) -> Void
        var testDescription: String { name }
    }

    @Test(arguments: [
        Difference(name: "listen", from: "127.0.0.1:8080", to: "0.0.0.0:80", isReloadable: false) { $0.listen = "0.0.0.0:80" },
        Difference(name: "workers", from: nil, to: "2", isReloadable: false) { $0.workers = 2 },
        Difference(name: "data", from: nil, to: "/var", isReloadable: false) { $0.dataDirectory = "/var" },
        Difference(name: "durability", from: nil, to: "relaxed", isReloadable: false) { $0.durability = .relaxed },
        Difference(name: "memory-budget", from: nil, to: "1", isReloadable: false) { $0.memoryBudgetBytes = 1 },
        Difference(name: "history-retention", from: "86400", to: "0.5", isReloadable: false) { $0.historyRetention = .milliseconds(500) },
        Difference(name: "jwks", from: nil, to: "keys", isReloadable: false) { $0.tokenKeySet = "keys" },
        Difference(name: "control-tls", from: "false", to: "true", isReloadable: false) { $0.controlTLS = true },
        Difference(name: "jwt-issuer", from: nil, to: "me") { $0.tokenIssuer = "me" },
        Difference(name: "token-expiry", from: "connect", to: "close") { $0.tokenExpiry = .close },
        Difference(name: "max-connections", from: "10000", to: "5") { $0.connectionsMax = 5 },
        Difference(name: "message-byte-burst", from: nil, to: "7") { $0.messageByteBurst = 7 },
        Difference(name: "allowed-origins", from: nil, to: "https://a, https://b") { $0.allowedOrigins = ["https://a", "https://b"] },
        Difference(name: "deflate", from: "true", to: "false") { $0.deflates = false },
        Difference(name: "stale-timeout", from: "75", to: "0") { $0.staleTimeout = .zero },
        Difference(name: "log-level", from: "info", to: "debug") { $0.logLevel = .debug },
    ])
    func `each setting is told by its name, with what it was and will be`(difference: Difference) {
        #expect(
            changes(difference.set) == [
                SettingChange(name: difference.name, from: difference.from, to: difference.to, isReloadable: difference.isReloadable)
            ])
    }

    @Test func `several come in the order of the table`() {
        #expect(
            changes { ($0.logLevel, $0.workers, $0.messageRate) = (.debug, 3, 9) }.map(\.name) == ["workers", "message-rate", "log-level"])
    }

    @Test func `two spellings of one letter are two values`() {
        var (composed, decomposed) = (GatewaySettings(), GatewaySettings())
        (composed.tokenIssuer, decomposed.tokenIssuer) = ("caf\u{E9}", "cafe\u{301}")
        #expect(SettingChange.between(composed, decomposed).map(\.name) == ["jwt-issuer"])
    }

    @Test func `what is not the operator's is no setting`() {
        #expect(changes { ($0.echoes, $0.sendBufferBytes) = (true, 4096) }.isEmpty)
    }
}

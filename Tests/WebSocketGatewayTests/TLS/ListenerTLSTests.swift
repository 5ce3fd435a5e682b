import OpenSSL
import Testing

@testable import WebSocketGateway

/// What the files themselves may be is in OpenSSLTests; that both listeners use them, in the end-to-end tests.
@Suite("The listeners' TLS")
struct ListenerTLSTests {
    private func error(_ change: (inout GatewaySettings) -> Void) -> SettingsError? {
        var settings = GatewaySettings()
        change(&settings)
        do throws(SettingsError) { _ = try ListenerTLS.load(settings) } catch { return error }
        return nil
    }

    @Test func `without a certificate there is none`() throws { #expect(try ListenerTLS.load(GatewaySettings()).map(\.warnings) == nil) }

    @Test func `what is only half said is refused by name`() {
        #expect(error { $0.tlsCertificate = "c.pem" } == SettingsError("tls-certificate", "needs its key as well; pass --tls-key"))
        #expect(error { $0.tlsKey = "k.pem" } == SettingsError("tls-key", "needs its certificate as well; pass --tls-certificate"))
        #expect(
            error { $0.controlTLS = true }
                == SettingsError("control-tls", "needs a certificate; pass --tls-certificate and --tls-key"))
        #expect(error { $0.controlClientCA = "a.pem" } == SettingsError("control-client-ca", "is of no use without --control-tls"))
    }

    @Test func `a file that is not there is named, with its setting`() {
        let missing = error { ($0.tlsCertificate, $0.tlsKey) = ("/nowhere/c.pem", "/nowhere/k.pem") }
        #expect(missing == SettingsError("tls-certificate", "/nowhere/c.pem cannot be read: no such file or directory"))
    }

    @Test func `an outcome is its label's value, once`() {
        #expect(Set(TLSOutcome.all.map(\.name)).count == TLSOutcome.all.count)
        #expect(TLSOutcome.all.count == 6 + TLSFailure.Reason.allCases.count)
        for (index, outcome) in TLSOutcome.all.enumerated() { #expect(outcome.index == index) }
    }
}

import OpenSSL
import Testing

@Suite("TLS contexts: what an operator's files may be")
struct TLSContextTests {
    private let authority: Authority
    private let gateway: Authority.Identity

    init() throws {
        authority = try Authority()
        gateway = try authority.issue("gateway.test")
    }

    private func reason(_ certificate: PEMFile? = nil, _ key: PEMFile? = nil, clientCA: PEMFile? = nil) throws -> String {
        do throws(TLSFileError) {
            _ = try TLSContext.server(certificate: certificate ?? gateway.certificate, key: key ?? gateway.key, clientCA: clientCA)
            return "fine"
        } catch {
            return error.description
        }
    }

    private func text(_ name: String, _ text: String) -> PEMFile { PEMFile(name: name, bytes: Array(text.utf8)) }

    @Test func `a certificate and its key are fine, and nothing is to be warned of`() throws {
        let context = try TLSContext.server(certificate: gateway.certificate, key: gateway.key)
        #expect(context.warnings.isEmpty)
        #expect(context.expiresAt == 4_070_908_800)
    }

    @Test func `certificate and key may stand in one file`() throws {
        let both = PEMFile(name: "both.pem", bytes: gateway.key.bytes + gateway.certificate.bytes)
        #expect(try reason(both, both) == "fine")
    }

    @Test func `an empty file is named`() throws {
        #expect(try reason(text("c.pem", "")) == "c.pem is empty")
        #expect(try reason(nil, text("k.pem", "")) == "k.pem is empty")
    }

    @Test func `a file that is no PEM is named, and what was looked for`() throws {
        #expect(try reason(text("c.pem", "hello")) == "c.pem holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)")
        #expect(try reason(nil, text("k.pem", "hello")) == "k.pem holds no private key in PEM form (-----BEGIN PRIVATE KEY-----)")
    }

    @Test func `files in each other's place are named`() throws {
        #expect(
            try reason(gateway.key, gateway.certificate)
                == "gateway.test.key holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)")
        #expect(try reason(nil, gateway.certificate) == "gateway.test.pem holds no private key in PEM form (-----BEGIN PRIVATE KEY-----)")
    }

    @Test func `a damaged certificate is told by its number`() throws {
        let damaged = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
        let chain = PEMFile(name: "chain.pem", bytes: gateway.certificate.bytes + Array(damaged.utf8))
        #expect(try reason(chain).hasPrefix("chain.pem holds a damaged certificate (number 2: "))
    }

    @Test func `a damaged key is told`() throws {
        let damaged = text("k.pem", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
        #expect(try reason(nil, damaged).hasPrefix("k.pem holds a damaged private key ("))
    }

    @Test func `a key with a passphrase is told, and nobody is asked`() throws {
        let secret = try authority.encrypted("gateway.test")
        #expect(
            try reason(nil, secret)
                == "gateway.test.secret.key holds a key with a passphrase, and there is nobody to ask for it; store it without one")
    }

    @Test func `the key of another certificate is told`() throws {
        let other = try authority.issue("other.test")
        #expect(try reason(nil, other.key) == "other.test.key is not the key of the certificate in gateway.test.pem")
    }

    @Test func `a key too weak is told`() throws {
        let weak = try authority.issue("weak.test", newKey: ["-newkey", "rsa:1024"])
        #expect(try reason(weak.certificate, weak.key) == "weak.test.pem cannot be used: ee key too small")
    }

    @Test func `an expired certificate is a warning`() throws {
        let old = try authority.issue("old.test", from: "20200101000000Z", to: "20210101000000Z")
        let context = try TLSContext.server(certificate: old.certificate, key: old.key)
        #expect(context.warnings == ["old.test.pem: the certificate of /CN=old.test has expired; clients will refuse it"])
    }

    @Test func `a certificate of the future is a warning`() throws {
        let early = try authority.issue("early.test", from: "20980101000000Z")
        let context = try TLSContext.server(certificate: early.certificate, key: early.key)
        #expect(context.warnings == ["early.test.pem: the certificate of /CN=early.test is not valid yet; clients will refuse it"])
    }

    @Test func `an authority of clients that is no certificate is told`() throws {
        #expect(try reason(clientCA: text("ca.pem", "hello")) == "ca.pem holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)")
        #expect(try reason(clientCA: authority.certificate) == "fine")
    }

    @Test func `a file that no chain could fill is not read`() throws {
        let huge = PEMFile(name: "huge.pem", bytes: Array(repeating: 0x41, count: TLSContext.fileBytesMax + 1))
        #expect(try reason(huge) == "huge.pem is larger than 1048576 bytes")
    }
}

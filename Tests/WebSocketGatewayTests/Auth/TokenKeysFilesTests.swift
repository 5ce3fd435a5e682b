import EventLoop
import OpenSSL
import Testing

@testable import WebSocketGateway

@Suite("Files of keys")
struct TokenKeysFilesTests {
    private static let rsa = """
        -----BEGIN PUBLIC KEY-----
        MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEArLKhqO8QZId3Y01Px43V
        i2rFDGhaTLloVXIle0JiM2rPeECkxe9oi11BBoJdCS0cFF6p6/PNgV5hDHHvmaiI
        VYFr0JkZRw+J8z23nd4BkKCrmKhanDLArcDewpL/8ZgeaqpLZQghy7NQmfGcqUO6
        qhWkVPlOh1coWwjlD/d7C5Mb7AKA24qltMvp1i4lNPIDxXCISOQKBjppNXGnnZhV
        8HBTPUvRKTF5KEp+IEefLNFT1dKddKzE6IpZscoQ3dLz9wo1X2XwgEadFfrsECAi
        7lRi5iYPt11imlEghiWtrMaNSSeKcTdZyMRAnAVtg5Vlg/P4yQ/FTWUSnaNkyXbK
        ywIDAQAB
        -----END PUBLIC KEY-----
        """

    /// Reads settings that name a file with this content.
    private func read(_ contents: String, asSet: Bool = false, _ change: (inout GatewaySettings) -> Void = { _ in }) throws -> TokenKeys? {
        let path = "/tmp/wsg-keys-\(ProcessResources.processID)-\(UInt64.random(in: 0...UInt64.max))"
        try SmallFile.replace(path, with: Array(contents.utf8))
        defer { SmallFile.remove(path) }
        var settings = GatewaySettings()
        if asSet { settings.tokenKeySet = path } else { settings.tokenSecretFile = path }
        change(&settings)
        return try TokenKeys.read(settings)
    }

    private func refusal(_ contents: String, asSet: Bool = false) -> String {
        do {
            _ = try read(contents, asSet: asSet)
            return "none"
        } catch { return "\(error)" }
    }

    private static let secret = String(repeating: "s", count: 40)

    @Test(arguments: [secret, secret + "\n", secret + "\r\n"]) func `a secret is the file without its last line's end`(_ contents: String)
        throws
    {
        let keys = try #require(try read(contents))
        #expect(try keys.open(TokenMaker().token(#"{"sub":"a"}"#).utf8.span).identity.subject == "a")
    }

    @Test func `a public key is no secret`() throws {
        let keys = try #require(try read(Self.rsa))
        #expect(keys.entries.map(\.key.algorithm) == [.rs256])
    }

    @Test func `a private key is nothing for a gateway`() {
        #expect(refusal("-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA==\n-----END PRIVATE KEY-----\n").contains("private key"))
        #expect(refusal("-----BEGIN CERTIFICATE-----\nMC4CAQAwBQYDK2VwBCIEIA==\n-----END CERTIFICATE-----\n").contains("PEM"))
    }

    @Test(arguments: ["", "short", "\n", String(repeating: "x", count: 31) + "\n"]) func `a short secret stops the start`(
        _ contents: String
    ) {
        #expect(refusal(contents).contains("at least 32 bytes"))
    }

    private static let key =
        #"{"kty":"oct","kid":"k1","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}"#

    @Test func `a key set has its keys, and those for something else are passed over`() throws {
        let keys = try #require(try read("{\"keys\":[{\"kty\":\"RSA\",\"use\":\"enc\"},\(Self.key)],\"more\":1}", asSet: true))
        #expect(keys.entries.map(\.id) == ["k1"])
    }

    @Test(arguments: [
        ("", "not a key set"), ("[]", "not a key set"), (#"{"keys":5}"#, "not a key set"), (#"{"keys":[],"keys":[]}"#, "not a key set"),
        (#"{"keys":[]}"#, "no key that signs"), (#"{"keys":[{"kty":"RSA","use":"enc"}]}"#, "no key that signs"),
        (#"{"keys":[5]}"#, "keys[0]"), ("{\"keys\":[\(key),{\"kty\":\"oct\",\"k\":\"AA\"}]}", "keys[1]"),
        ("{\"keys\":[\(key),\(key)]}", "two keys have the kid"),
    ])
    func `a set that cannot be used stops the start and says why`(_ contents: String, _ reason: String) {
        #expect(refusal(contents, asSet: true).contains(reason), "\(refusal(contents, asSet: true))")
    }

    @Test func `two spellings of one letter are two kids, and a token's is the one it was signed with`() throws {
        let (composed, decomposed) = ("caf\u{E9}", "cafe\u{301}")
        let set = [composed, decomposed].map { Self.key.replacing("k1", with: $0) }.joined(separator: ",")
        let keys = try #require(try read("{\"keys\":[\(set)]}", asSet: true))
        #expect(keys.entries.count == 2)
        #expect(keys.entries.filter { $0.hasID(composed) }.count == 1)
        #expect(!keys.entries[0].hasSameID(as: keys.entries[1]) && keys.entries[0].hasSameID(as: keys.entries[0]))
        let nameless = TokenKeys.Entry(id: nil, key: keys.entries[0].key)
        #expect(!nameless.hasID("") && !nameless.hasSameID(as: nameless))
    }

    @Test func `there is a limit to a set's keys and bytes`() {
        let nameless = Self.key.replacing(#""kid":"k1","#, with: "")
        let set = { (count: Int) in "{\"keys\":[\(Array(repeating: nameless, count: count).joined(separator: ","))]}" }
        #expect(refusal(set(TokenKeys.countMax), asSet: true) == "none")
        #expect(refusal(set(TokenKeys.countMax + 1), asSet: true).contains("at most 32"))
        #expect(refusal(String(repeating: " ", count: TokenKeys.fileBytesMax + 1), asSet: true).contains("larger than 65536 bytes"))
    }

    @Test func `settings that contradict each other stop the start`() throws {
        var settings = GatewaySettings()
        #expect(try TokenKeys.read(settings) == nil)
        settings.tokenIssuer = "i"
        #expect(throws: SettingsError.self) { try TokenKeys.read(settings) }
        settings.tokenKeySet = "https://issuer.example/jwks.json"
        #expect(try TokenKeys.read(settings)?.entries.isEmpty == true, "asked for, and still to be fetched")
        settings.tokenSecretFile = "/nowhere"
        #expect { try TokenKeys.read(settings) } throws: { "\($0)".contains("is set as well") }
        settings.tokenKeySet = nil
        #expect { try TokenKeys.read(settings) } throws: { "\($0)".contains("/nowhere") }
    }
}

import Testing

@testable import OpenSSL

@Suite("Public keys")
struct PublicKeyTests {
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
    private static let p256 = """
        -----BEGIN PUBLIC KEY-----
        MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV7
        6e8Tus9uPHvRVEXH8UTNG72bfocs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==
        -----END PUBLIC KEY-----
        """
    private static let ed25519 = """
        -----BEGIN PUBLIC KEY-----
        MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=
        -----END PUBLIC KEY-----
        """
    private static let p384 = """
        -----BEGIN PUBLIC KEY-----
        MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEk2RvzjuCk8kzXygS48UFnXXDvLrfnA0j
        gsPKdSrtszL1oPr6r1lwxrVuDSdF/9BxJxcPtFSXOlJQ7wrvOMKSK5klR1/5c7gf
        T5XbnHV0XAmhqukyefX8xtC8sh3RwNYt
        -----END PUBLIC KEY-----
        """
    private static let rsa1024 = """
        -----BEGIN PUBLIC KEY-----
        MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDCinezJmlZaEZEnrycvidqjH5p
        EUHGKYgzzOs1eSKEkoGm1zeJZYhko10cWgQ0L38QJIavF45za/aZPGiYH2UGKiHb
        68zwMlK3gjLHJixkeN/VwEIPWcEN58VlATxyjFGrhrDmi5n6kTA1dxrnhqM8SZe8
        Bb7oEOtmZBfTWPGduQIDAQAB
        -----END PUBLIC KEY-----
        """

    @Test(arguments: [(rsa, [.rs256, .ps256]), (p256, [.es256]), (ed25519, [.edDSA])] as [(String, [SignatureAlgorithm])])
    func `PEM is read, and says what it is for`(_ text: String, _ algorithms: [SignatureAlgorithm]) throws {
        #expect(try PublicKey(pem: Array(text.utf8)).algorithms == algorithms)
        #expect(try PublicKey(pem: Array("Some words before it.\n\(text)\n".utf8)).algorithms == algorithms)
    }

    @Test func `PEM and numbers make the same key`() throws {
        let example = SignatureKeyTests.examples[2]
        let key = try SignatureKey(PublicKey(pem: Array(Self.p256.utf8)))
        #expect(key.verifies(unBase64(example.signature), of: example.message))
    }

    @Test func `what is unfit is refused by its reason`() {
        #expect(throws: SignatureKeyError.notForSignatures("EC")) { try PublicKey(pem: Array(Self.p384.utf8)).algorithms }
        #expect(throws: SignatureKeyError.wrongSize(bits: 1024)) { try PublicKey(pem: Array(Self.rsa1024.utf8)).algorithms }
        #expect(throws: SignatureKeyError.notPEM) { try PublicKey(pem: Array("secret".utf8)) }
        #expect(throws: SignatureKeyError.notPEM) { try PublicKey(pem: []) }
        #expect(throws: SignatureKeyError.notPEM) { try PublicKey(pem: Array(Self.rsa.utf8.dropLast(60))) }
        #expect(throws: SignatureKeyError.privateKey) {
            try PublicKey(
                pem: Array("-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA==\n-----END PRIVATE KEY-----\n\(Self.ed25519)".utf8))
        }
    }

    @Test func `numbers that are no key are refused`() throws {
        let zeros = [UInt8](repeating: 0, count: 32)
        #expect(throws: SignatureKeyError.invalid, "not on the curve") { try PublicKey(p256X: zeros, y: zeros) }
        #expect(throws: SignatureKeyError.invalid, "too short") { try PublicKey(p256X: [1], y: [2]) }
        #expect(throws: SignatureKeyError.invalid) { try PublicKey(ed25519: [1, 2, 3]) }
        #expect(throws: SignatureKeyError.self) { try PublicKey(rsaModulus: [], exponent: []).algorithms }
        #expect(throws: SignatureKeyError.self) { try PublicKey(rsaModulus: [UInt8](repeating: 0, count: 256), exponent: [3]).algorithms }
        let modulus = unBase64(SignatureKeyTests.modulus)
        for exponent in [[0], [1], [2]] as [[UInt8]] {
            #expect(throws: SignatureKeyError.invalid, "\(exponent)") { try PublicKey(rsaModulus: modulus, exponent: exponent) }
        }
        #expect(throws: SignatureKeyError.self) { try PublicKey(rsaModulus: [UInt8](repeating: 0xFF, count: 2000), exponent: [1, 0, 1]) }
    }
}

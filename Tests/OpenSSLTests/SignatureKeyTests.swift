import Testing

@testable import OpenSSL

@Suite("Checking signatures")
struct SignatureKeyTests {
    struct Example: Sendable, CustomTestStringConvertible {
        let source: String
        let algorithm: SignatureAlgorithm
        let message: String
        let signature: String
        var testDescription: String { source }

        func key() throws -> SignatureKey {
            switch algorithm {
            case .hs256:
                try SignatureKey(secret: unBase64("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"))
            case .rs256: try SignatureKey(PublicKey(rsaModulus: unBase64(SignatureKeyTests.modulus), exponent: [1, 0, 1]))
            case .ps256: try SignatureKey(PublicKey(rsaModulus: unBase64(SignatureKeyTests.ownModulus), exponent: [1, 0, 1]), .ps256)
            case .es256: try SignatureKey(SignatureKeyTests.p256())
            case .edDSA: try SignatureKey(PublicKey(ed25519: unBase64("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")))
            }
        }
    }

    static let payload = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
    static let modulus =
        "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-"
        + "pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2Ca"
        + "pHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb5" + "4h4FRWyuXpoQ"
    /// Made for these tests, with Python's cryptography.
    static let ownModulus =
        "rLKhqO8QZId3Y01Px43Vi2rFDGhaTLloVXIle0JiM2rPeECkxe9oi11BBoJdCS0cFF6p6_PNgV5hDHHvmaiIVYFr0JkZRw-J8z23nd4BkKCrmK"
        + "hanDLArcDewpL_8ZgeaqpLZQghy7NQmfGcqUO6qhWkVPlOh1coWwjlD_d7C5Mb7AKA24qltMvp1i4lNPIDxXCISOQKBjppNXGnnZhV8HBTPUvR"
        + "KTF5KEp-IEefLNFT1dKddKzE6IpZscoQ3dLz9wo1X2XwgEadFfrsECAi7lRi5iYPt11imlEghiWtrMaNSSeKcTdZyMRAnAVtg5Vlg_P4yQ_FTW" + "USnaNkyXbKyw"

    static func p256() throws -> PublicKey {
        try PublicKey(
            p256X: unBase64("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"), y: unBase64("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"))
    }

    static let examples = [
        Example(
            source: "RFC 7515, A.1", algorithm: .hs256, message: "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.\(payload)",
            signature: "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
        Example(
            source: "RFC 7515, A.2", algorithm: .rs256, message: "eyJhbGciOiJSUzI1NiJ9.\(payload)",
            signature: "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr"
                + "7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--x"
                + "i12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_Ioy"
                + "pGlUPQGe77Rw"),
        Example(
            source: "RFC 7515, A.3", algorithm: .es256, message: "eyJhbGciOiJFUzI1NiJ9.\(payload)",
            signature: "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"),
        Example(
            source: "RFC 8037, A.4", algorithm: .edDSA, message: "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc",
            signature: "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"),
        Example(
            source: "PS256 by Python's cryptography", algorithm: .ps256, message: psMessage,
            signature: "Wp1BERfxShrcrC1Xmr5uW4mvK-F9Y1zlfv19zLqISxcFHXV_jEr5pjR_53I91o3ylCBv2zXP8TjizQXvGHOcdHGuZ9NA840PtC1txm6KMMQVBV"
                + "1jVixEvI1oDiLuQCBbXmWhVf1ELvVnWgUQt01O3XEaZGG44mf_OQk-10FfA3398SJFFfNYQ5B7d27vbegHYOsTRnwss0IG-K5Tj8sBBx9V5dgB"
                + "4pLvuituwKTQQ1ksortl6WjIO9siqrtCNdXulo_KlgSMnkgwcAu4Ggtk-WurMsGukF0InpMfxufEIo7a1yWIqUK6pAa-WCcd-u2TLjeLhVdRVx"
                + "27V2mm9P8czQ"),
    ]
    private static let psMessage = "eyJhbGciOiJQUzI1NiJ9.\(payload)"

    @Test(arguments: examples) func `an example's signature is its key's`(_ example: Example) throws {
        let key = try example.key()
        #expect(key.algorithm == example.algorithm)
        #expect(key.verifies(unBase64(example.signature), of: example.message))
    }

    @Test(arguments: examples) func `one bit anywhere and it is not`(_ example: Example) throws {
        let key = try example.key()
        let (message, signature) = (Array(example.message.utf8), unBase64(example.signature))
        for index in signature.indices {
            var forged = signature
            forged[index] ^= 1
            #expect(!key.verifies(forged, of: message), "byte \(index) of the signature")
        }
        for index in stride(from: 0, to: message.count, by: 7) {
            var other = message
            other[index] ^= 1
            #expect(!key.verifies(signature, of: other), "byte \(index) of the message")
        }
    }

    @Test(arguments: examples) func `cut short, made longer, or nothing, it is not`(_ example: Example) throws {
        let key = try example.key()
        let (message, signature) = (Array(example.message.utf8), unBase64(example.signature))
        for length in 0..<signature.count { #expect(!key.verifies(Array(signature[..<length]), of: message), "\(length) bytes") }
        for more in [1, 64, 1000] {
            #expect(!key.verifies(signature + [UInt8](repeating: 0, count: more), of: message), "\(more) bytes more")
        }
        #expect(!key.verifies([UInt8](repeating: 0, count: signature.count), of: message), "zeros")
        #expect(!key.verifies([UInt8](repeating: 0xFF, count: signature.count), of: message), "ones")
    }

    /// What one kind of RSA key signs is nothing to the other, though the numbers are the same.
    @Test func `PKCS 1 version 1_5 is not PSS, and a salt has the hash's length`() throws {
        let message = Array(Self.psMessage.utf8)
        let plain = unBase64(
            "EnSaqgXR_lvSyieOf5bEUWEXsAoIeBEylalIrmetvhXFXEGPMp1cgMc1s1al7aFrF_FlErpbQ6tDQII5jL1wu5W0gF-hzbGYCB2-mLjOk7N3H3"
                + "D2Y84nmCccEvyuetsO-hDhU6UxqoKXpD5BMoTsAU7hoc6azPpGTbjHZNnywwsVK50dXPhmtgu2EDMSJR26LlQqpl9DcpX0txAt51Kz-c-1h63u"
                + "zQ6_0-xmJ2to0zfz2z6nLlwBvPW-PcqUbpuSNO27A3Y9TLDkXS_MZw5nLApc4EJo005EBRwvWIm49PCCYdsQXtAEv5v4dr1afCqmyHa-Y8HxOs"
                + "3CYKtAwutH1w")
        let salted = unBase64(
            "a7jNxnMBtvmkfl1QvUHPjK5wccJYeZgRCv66zqC9I25akz-65ZKkkcDdRWqMgWL-NBBveFMfmzvEZ5ouvKBd_fXfAwYVOjB7HT-KkO9PVtrfms"
                + "NIqNp_IyYXQbkmCJudYIAj5erK10QTU6-UFje2Fd7eOV4luv1Vv0mrtQzjaJZ6Ba-6u5gyX7pi_pQVa05Xl82VvPxcGiTJZbhbI_pGyyQshPJP"
                + "YX8tdxSVZK6seboVbFvyk3MFWfrfy5I7YZyFShTqGSn_HpQxo1iKUK6x7C8qp4tAMxrC7RBpaXtEGgtyQiucQLWMaxK2IqNqM6BiY8COzmD_3A"
                + "p-URONMzXT2w")
        let numbers = { try PublicKey(rsaModulus: unBase64(Self.ownModulus), exponent: [1, 0, 1]) }
        let (pkcs, pss) = (try SignatureKey(numbers()), try SignatureKey(numbers(), .ps256))
        #expect(pkcs.verifies(plain, of: message))
        #expect(!pss.verifies(plain, of: message))
        #expect(!pkcs.verifies(unBase64(Self.examples[4].signature), of: message))
        #expect(!pss.verifies(salted, of: message), "signed with the longest salt there is")
    }

    @Test(arguments: [
        (SignatureAlgorithm.hs256, SignatureAlgorithm.rs256), (.hs256, .es256), (.hs256, .edDSA), (.es256, .rs256), (.edDSA, .es256),
        (.ps256, .edDSA), (.rs256, .es256),
    ])
    func `a public key is for its own algorithms alone`(_ algorithm: SignatureAlgorithm, _ kind: SignatureAlgorithm) throws {
        let key =
            switch kind {
            case .rs256: try PublicKey(rsaModulus: unBase64(Self.modulus), exponent: [1, 0, 1])
            case .es256: try Self.p256()
            default: try PublicKey(ed25519: unBase64("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"))
            }
        #expect(throws: SignatureKeyError.wrongAlgorithm) { try SignatureKey(key, algorithm) }
    }

    @Test func `a secret has 32 bytes at least`() throws {
        #expect(throws: SignatureKeyError.secretTooShort) { try SignatureKey(secret: [UInt8](repeating: 1, count: 31)) }
        _ = try SignatureKey(secret: [UInt8](repeating: 1, count: 32))
    }

    @Test func `several threads verify with one key`() async throws {
        let example = Self.examples[1]
        let key = try example.key()
        let (message, signature) = (Array(example.message.utf8), unBase64(example.signature))
        let good = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<64 { group.addTask { key.verifies(signature, of: message) } }
            return await group.reduce(true) { $0 && $1 }
        }
        #expect(good)
    }
}

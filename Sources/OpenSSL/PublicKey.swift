internal import COpenSSL

/// A public key of OpenSSL's, by PEM or by its numbers.
///
/// `@unchecked Sendable`: nothing changes after `init`, and OpenSSL's counts are atomics.
@safe
package final class PublicKey: @unchecked Sendable {
    private let key: OpaquePointer

    /// Takes the key over.
    private init(owning key: OpaquePointer) throws(SignatureKeyError) {
        unsafe self.key = key
        let isValid = unsafe Self.isValid(key)
        ERR_clear_error()
        guard isValid else { throw .invalid }
    }

    deinit { unsafe EVP_PKEY_free(key) }

    // MARK: Where they come from

    /// `-----BEGIN PUBLIC KEY-----` (RFC 7468 §13).
    package convenience init(pem text: [UInt8]) throws(SignatureKeyError) {
        guard !Self.holdsPrivateKey(text.span) else { throw .privateKey }
        let found: OpaquePointer? = unsafe text.withUnsafeBytes { bytes in
            guard let memory = unsafe BIO_new_mem_buf(bytes.baseAddress, CInt(clamping: bytes.count)) else { return nil }
            defer { unsafe BIO_free(memory) }
            return unsafe PEM_read_bio_PUBKEY(memory, nil, nil, nil)
        }
        ERR_clear_error()
        guard let found = unsafe found else { throw .notPEM }
        try unsafe self.init(owning: found)
    }

    /// RSA by its modulus and exponent, big-endian (RFC 7518 §6.3.1).
    package convenience init(rsaModulus modulus: [UInt8], exponent: [UInt8]) throws(SignatureKeyError) {
        let bytesMax = SignatureKey.rsaBits.upperBound / 8
        guard modulus.count <= bytesMax, exponent.count <= bytesMax else { throw .wrongSize(bits: modulus.count * 8) }
        let numbers = DER.sequence(DER.integer(modulus.span), DER.integer(exponent.span))
        // rsaEncryption, 1.2.840.113549.1.1.1, without parameters (RFC 3279 §2.3.1).
        try self.init(algorithm: [0x06, 9, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01, 0x05, 0], numbers)
    }

    /// A point of P-256 by its coordinates, 32 bytes each (RFC 7518 §6.2.1).
    package convenience init(p256X x: [UInt8], y: [UInt8]) throws(SignatureKeyError) {
        guard x.count == 32, y.count == 32 else { throw .invalid }
        // id-ecPublicKey, 1.2.840.10045.2.1, on prime256v1, 1.2.840.10045.3.1.7 (RFC 5480 §2.1); 4: both coordinates follow (§2.2).
        let algorithm: [UInt8] = [
            0x06, 7, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01, 0x06, 8, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07,
        ]
        try self.init(algorithm: algorithm, [4] + x + y)
    }

    /// 32 bytes (RFC 8037 §2).
    package convenience init(ed25519 bytes: [UInt8]) throws(SignatureKeyError) {
        guard bytes.count == 32 else { throw .invalid }
        // id-Ed25519, 1.3.101.112 (RFC 8410 §3).
        try self.init(algorithm: [0x06, 3, 0x2B, 0x65, 0x70], bytes)
    }

    /// By its SubjectPublicKeyInfo (RFC 5280 §4.1).
    private convenience init(algorithm: [UInt8], _ key: [UInt8]) throws(SignatureKeyError) {
        let info = DER.sequence(DER.sequence(algorithm), DER.bitString(key))
        let found: OpaquePointer? = unsafe info.withUnsafeBufferPointer { info in
            var start = info.baseAddress
            return unsafe d2i_PUBKEY(nil, &start, info.count)
        }
        ERR_clear_error()
        guard let found = unsafe found else { throw .invalid }
        try unsafe self.init(owning: found)
    }

    private static func holdsPrivateKey(_ text: Span<UInt8>) -> Bool {
        let mark = Array("PRIVATE KEY-----".utf8)
        guard text.count >= mark.count else { return false }
        for start in 0...(text.count - mark.count) {
            var length = 0
            while length < mark.count, text[start + length] == mark[length] { length += 1 }
            if length == mark.count { return true }
        }
        return false
    }

    private static func isValid(_ key: OpaquePointer) -> Bool {
        guard let context = unsafe EVP_PKEY_CTX_new(key, nil) else { return false }
        defer { unsafe EVP_PKEY_CTX_free(context) }
        return unsafe EVP_PKEY_public_check(context) == 1
    }

    // MARK: What they do

    /// The algorithms this kind of key is for, the usual one first.
    var algorithms: [SignatureAlgorithm] {
        get throws(SignatureKeyError) {
            if unsafe EVP_PKEY_is_a(key, "RSA") == 1 || EVP_PKEY_is_a(key, "RSA-PSS") == 1 {
                let bits = Int(unsafe EVP_PKEY_get_bits(key))
                guard SignatureKey.rsaBits.contains(bits) else { throw .wrongSize(bits: bits) }
                return unsafe EVP_PKEY_is_a(key, "RSA") == 1 ? [.rs256, .ps256] : [.ps256]
            }
            if unsafe EVP_PKEY_is_a(key, "ED25519") == 1 { return [.edDSA] }
            if unsafe EVP_PKEY_is_a(key, "EC") == 1, groupName == "prime256v1" { return [.es256] }
            throw .notForSignatures(kind)
        }
    }

    private var kind: String {
        guard let name = unsafe EVP_PKEY_get0_type_name(key) else { return "unknown" }
        return unsafe String(cString: name)
    }

    private var groupName: String {
        var name = [CChar](repeating: 0, count: 64)
        var length = 0
        let isKnown = unsafe name.withUnsafeMutableBufferPointer {
            unsafe EVP_PKEY_get_group_name(key, $0.baseAddress, $0.count, &length) == 1
        }
        guard isKnown, length < name.count else { return "" }
        return String(decoding: name[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Nil for Ed25519.
    func check(_ algorithm: SignatureAlgorithm) -> SignatureCheck? { unsafe SignatureCheck(key, algorithm) }

    /// Ed25519, which hashes by itself.
    func verifiesWhole(_ signature: Span<UInt8>, of message: Span<UInt8>) -> Bool {
        guard let context = unsafe EVP_MD_CTX_new() else { return false }
        defer { unsafe EVP_MD_CTX_free(context) }
        guard unsafe EVP_DigestVerifyInit(context, nil, nil, nil, key) == 1 else { return false }
        return unsafe signature.withUnsafeBufferPointer { signature in
            unsafe message.withUnsafeBufferPointer { message in
                unsafe EVP_DigestVerify(context, signature.baseAddress, signature.count, message.baseAddress, message.count) == 1
            }
        }
    }
}

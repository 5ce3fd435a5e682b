internal import COpenSSL

/// A check of signatures by a public key, made ready once: of what OpenSSL does for each signature, looking up how it is done is a sixth (RSA).
///
/// `@unchecked Sendable`: the context is never used itself, but copied for each check, which only reads it and counts its parts by atomics.
@safe
final class SignatureCheck: @unchecked Sendable {
    private let context: OpaquePointer

    /// Nil for what OpenSSL cannot check in two steps, hash and signature: Ed25519.
    init?(_ key: OpaquePointer, _ algorithm: SignatureAlgorithm) {
        guard algorithm != .edDSA, let context = unsafe EVP_PKEY_CTX_new(key, nil) else { return nil }
        unsafe self.context = context
        guard unsafe EVP_PKEY_verify_init(context) == 1, unsafe Self.setPadding(of: context, algorithm),
            unsafe EVP_PKEY_CTX_set_signature_md(context, EVP_sha256()) == 1
        else { return nil }
    }

    deinit { unsafe EVP_PKEY_CTX_free(context) }

    private static func setPadding(of context: OpaquePointer, _ algorithm: SignatureAlgorithm) -> Bool {
        switch algorithm {
        case .rs256: return unsafe EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1
        case .ps256:
            // RFC 7518 §3.5: the salt is as long as the hash.
            return unsafe EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1
                && EVP_PKEY_CTX_set_rsa_pss_saltlen(context, CInt(SHA256.digestBytes)) == 1
        case .es256, .edDSA, .hs256: return true
        }
    }

    /// `signature` is in OpenSSL's own form.
    func verifies(_ signature: Span<UInt8>, of message: Span<UInt8>) -> Bool {
        guard let context = unsafe EVP_PKEY_CTX_dup(context) else { return false }
        defer { unsafe EVP_PKEY_CTX_free(context) }
        let digest = SHA256.digest(message)
        return unsafe signature.withUnsafeBufferPointer { signature in
            unsafe digest.withUnsafeBufferPointer { digest in
                unsafe EVP_PKEY_verify(context, signature.baseAddress, signature.count, digest.baseAddress, digest.count) == 1
            }
        }
    }
}

internal import COpenSSL

/// A key that checks signatures by one algorithm and by no other: what a token says of itself changes nothing about how it is checked (RFC 8725 §3.1).
///
/// `@unchecked Sendable`: nothing changes after `init`; OpenSSL lets several threads verify with one `EVP_PKEY`.
@safe
package final class SignatureKey: @unchecked Sendable {
    package let algorithm: SignatureAlgorithm
    private let material: Material

    private enum Material {
        case secret([UInt8])
        case prepared(SignatureCheck)
        /// Ed25519.
        case whole(PublicKey)
    }

    /// RFC 7518 §3.2: as long as the hash, at least.
    package static let secretBytesMin = 32
    /// RFC 7518 §3.3; beyond the upper end a check takes milliseconds.
    package static let rsaBits = 2048...8192

    /// HS256.
    package init(secret: [UInt8]) throws(SignatureKeyError) {
        guard secret.count >= Self.secretBytesMin else { throw .secretTooShort }
        algorithm = .hs256
        material = .secret(secret)
    }

    /// A public key, for the algorithm given, or for its kind's: RSA is RS256, P-256 is ES256, Ed25519 is EdDSA.
    package init(_ key: PublicKey, _ algorithm: SignatureAlgorithm? = nil) throws(SignatureKeyError) {
        let possible = try key.algorithms
        guard let chosen = algorithm ?? possible.first, possible.contains(chosen) else { throw .wrongAlgorithm }
        self.algorithm = chosen
        if chosen == .edDSA {
            material = .whole(key)
        } else {
            guard let check = key.check(chosen) else { throw .invalid }
            material = .prepared(check)
        }
    }

    /// Whether `signature` is this key's of `message`.
    package func verifies(_ signature: Span<UInt8>, of message: Span<UInt8>) -> Bool {
        // Another user of OpenSSL on this thread must not find what a forged signature left behind.
        defer { ERR_clear_error() }
        switch material {
        case .secret(let secret):
            guard let expected = Self.authenticationCode(secret.span, of: message) else { return false }
            return ConstantTime.areEqual(expected.span, signature)
        case .whole(let key): return key.verifiesWhole(signature, of: message)
        case .prepared(let check):
            guard algorithm == .es256 else { return check.verifies(signature, of: message) }
            guard let encoded = SignatureForm.der(ofRaw: signature) else { return false }
            return check.verifies(encoded.span, of: message)
        }
    }

    /// HMAC with SHA-256 (RFC 2104).
    private static func authenticationCode(_ secret: Span<UInt8>, of message: Span<UInt8>) -> [UInt8]? {
        var code = [UInt8](repeating: 0, count: SHA256.digestBytes)
        let isDone = unsafe secret.withUnsafeBytes { secret in
            unsafe message.withUnsafeBufferPointer { message in
                unsafe code.withUnsafeMutableBufferPointer { code in
                    unsafe HMAC(
                        EVP_sha256(), secret.baseAddress, CInt(clamping: secret.count), message.baseAddress, message.count,
                        code.baseAddress, nil) != nil
                }
            }
        }
        return isDone ? code : nil
    }
}

/// Why a key cannot be used: the operator's to mend.
package enum SignatureKeyError: Error, Sendable, Equatable, CustomStringConvertible {
    case secretTooShort
    case notPEM
    case privateKey
    case wrongSize(bits: Int)
    case notForSignatures(String)
    case invalid
    /// The algorithm is another kind of key's.
    case wrongAlgorithm

    package var description: String {
        switch self {
        case .secretTooShort:
            "a secret has at least \(SignatureKey.secretBytesMin) bytes (RFC 7518 §3.2); openssl rand -base64 48 makes one"
        case .notPEM: "it is not a public key in PEM (-----BEGIN PUBLIC KEY-----)"
        case .privateKey: "it holds a private key, which only the issuer needs; openssl pkey -pubout makes its public key"
        case .wrongSize(let bits):
            "an RSA key has \(SignatureKey.rsaBits.lowerBound) to \(SignatureKey.rsaBits.upperBound) bits, not \(bits)"
        case .notForSignatures(let kind): "a key of the kind \(kind) is none of RSA, P-256 and Ed25519"
        case .invalid: "its numbers are no key's"
        case .wrongAlgorithm: "its algorithm is another kind of key's"
        }
    }
}

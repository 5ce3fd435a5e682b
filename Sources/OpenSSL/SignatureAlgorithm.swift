/// How a token is signed (RFC 7518 §3.1, RFC 8037 §3.1): those in use that are safe. There is no `none`.
package enum SignatureAlgorithm: String, CaseIterable, Sendable {
    /// HMAC with SHA-256.
    case hs256 = "HS256"
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    case rs256 = "RS256"
    /// RSASSA-PSS with SHA-256, MGF1 with SHA-256, and a salt of 32 bytes.
    case ps256 = "PS256"
    /// ECDSA on P-256 with SHA-256; the signature is r and s, 32 bytes each (RFC 7518 §3.4).
    case es256 = "ES256"
    /// Ed25519.
    case edDSA = "EdDSA"
}

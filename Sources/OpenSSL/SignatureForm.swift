/// ECDSA signatures as tokens have them, and as OpenSSL reads them.
package enum SignatureForm {
    /// r and s, 32 bytes each (RFC 7518 §3.4), as a SEQUENCE of two INTEGERs (RFC 3279 §2.2.3). Nil for any other length.
    package static func der(ofRaw signature: Span<UInt8>) -> [UInt8]? {
        guard signature.count == 64 else { return nil }
        return DER.sequence(DER.integer(signature.extracting(..<32)), DER.integer(signature.extracting(32...)))
    }
}

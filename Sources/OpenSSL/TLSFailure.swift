internal import COpenSSL

/// Why a TLS session ended before its time. The peer's fault, nearly always.
package struct TLSFailure: Error, Sendable, Equatable, CustomStringConvertible {
    /// A closed set: each is a value of a metric's label.
    package enum Reason: String, CaseIterable, Sendable {
        /// HTTP without TLS, on a port that speaks TLS.
        case plainHTTP = "plain_http"
        /// Bytes that begin no TLS record.
        case notTLS = "not_tls"
        /// No version in common: it speaks nothing newer than TLS 1.1.
        case version
        /// No cipher suite, group or signature algorithm in common.
        case cipher
        /// It offers application protocols, and HTTP/1.1 is not among them (RFC 7301 §3.2).
        case alpn
        /// It was asked for a certificate and has none.
        case noCertificate = "no_certificate"
        /// Its certificate is not signed by whom we trust, or not valid now.
        case badCertificate = "bad_certificate"
        /// It has sent an alert: most often, our certificate is not to its liking.
        case alert
        /// It broke the protocol: a record that does not decrypt, a message that may not come now.
        case violation
        /// It keeps us busy: bytes and bytes, and nothing in them.
        case flood
        /// Nothing of the above; OpenSSL had no memory, for instance.
        case other
    }

    package let reason: Reason
    /// OpenSSL's own words, for the log.
    package let detail: String

    package init(_ reason: Reason, _ detail: String) {
        self.reason = reason
        self.detail = detail
    }

    package var description: String { "\(reason.rawValue): \(detail)" }

    /// What the error queue says of the call that has just failed.
    static func fromQueue() -> TLSFailure {
        guard let error = ErrorQueue.takeFirst() else { return TLSFailure(.other, "no error given") }
        guard error.library == ERR_LIB_SSL else { return TLSFailure(.violation, error.text) }
        return TLSFailure(reason(error.reason), error.text)
    }

    private static func reason(_ code: Int32) -> Reason {
        switch code {
        case SSL_R_HTTP_REQUEST, SSL_R_HTTPS_PROXY_REQUEST: .plainHTTP
        case SSL_R_WRONG_VERSION_NUMBER, SSL_R_RECORD_LENGTH_MISMATCH, SSL_R_RECORD_TOO_SMALL, SSL_R_BAD_RECORD_TYPE: .notTLS
        case SSL_R_UNSUPPORTED_PROTOCOL, SSL_R_UNKNOWN_PROTOCOL, SSL_R_VERSION_TOO_LOW, SSL_R_VERSION_TOO_HIGH: .version
        case SSL_R_NO_SHARED_CIPHER, SSL_R_NO_SHARED_GROUPS, SSL_R_NO_SUITABLE_KEY_SHARE, SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS,
            SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM, SSL_R_NO_CIPHERS_SPECIFIED:
            .cipher
        case SSL_R_NO_APPLICATION_PROTOCOL: .alpn
        case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE: .noCertificate
        case SSL_R_CERTIFICATE_VERIFY_FAILED: .badCertificate
        case Int32(SSL_AD_REASON_OFFSET)...: .alert
        case Int32(ERR_R_MALLOC_FAILURE), Int32(ERR_R_INTERNAL_ERROR): .other
        default: .violation
        }
    }
}

internal import CCurl

/// Why there is no document: its kind, from a closed list, and libcurl's own words.
package struct FetchFailure: Error, Sendable, Equatable {
    package enum Kind: String, CaseIterable, Sendable {
        /// Its name is not known, or nobody listens there.
        case unreachable
        case timeout
        /// The handshake failed: a certificate that is not trusted, not the host's, not of this time; or no TLS at all.
        case tls
        /// Another status than 200; a redirect too, which is not followed.
        case status
        case tooLarge = "too_large"
        /// The connection ended too early, or what came is not HTTP/1.1.
        case broken
    }

    package let kind: Kind
    package let detail: String

    package init(_ kind: Kind, _ detail: String) {
        self.kind = kind
        self.detail = detail
    }

    init(_ code: CURLcode, _ detail: String) {
        let words = unsafe detail.isEmpty ? String(cString: curl_easy_strerror(code)) : detail
        self.init(Self.kind(of: code), words)
    }

    private static func kind(of code: CURLcode) -> Kind {
        switch code {
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_CONNECT: .unreachable
        case CURLE_OPERATION_TIMEDOUT: .timeout
        case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER, CURLE_SSL_CACERT_BADFILE,
            CURLE_SSL_ISSUER_ERROR, CURLE_USE_SSL_FAILED, CURLE_SSL_INVALIDCERTSTATUS:
            .tls
        case CURLE_FILESIZE_EXCEEDED: .tooLarge
        default: .broken
        }
    }
}

internal import CCurl

/// Where a document is fetched from: an `https` URL, or an `http` one of this machine. Read by the parser that libcurl itself uses, so that what was
/// checked is what is asked.
package struct FetchAddress: Sendable, Equatable {
    /// As libcurl writes it.
    package let text: String
    /// Without its query, which may hold a secret: for the log.
    package let shown: String
    package let isTLS: Bool

    /// What is wrong with a URL, after the word "is".
    package enum Fault: Error, Equatable {
        case malformed, scheme, credentials, plainBeyondThisMachine
    }

    package init(parsing text: String) throws(Fault) {
        guard let handle = unsafe curl_url() else { throw .malformed }
        defer { unsafe curl_url_cleanup(handle) }
        switch unsafe curl_url_set(handle, CURLUPART_URL, text, 0) {
        case CURLUE_OK: break
        case CURLUE_UNSUPPORTED_SCHEME: throw .scheme
        default: throw .malformed
        }
        let scheme = unsafe Self.part(CURLUPART_SCHEME, of: handle)
        guard scheme == "https" || scheme == "http" else { throw .scheme }
        guard let host = unsafe Self.part(CURLUPART_HOST, of: handle), !host.isEmpty else { throw .malformed }
        // They would be sent, and stand in the settings of whoever may read them.
        let (user, password) = unsafe (Self.part(CURLUPART_USER, of: handle), Self.part(CURLUPART_PASSWORD, of: handle))
        guard user == nil, password == nil else { throw .credentials }
        isTLS = scheme == "https"
        guard isTLS || Self.isThisMachine(host) else { throw .plainBeyondThisMachine }
        guard unsafe curl_url_set(handle, CURLUPART_FRAGMENT, nil, 0) == CURLUE_OK, let whole = unsafe Self.part(CURLUPART_URL, of: handle),
            unsafe curl_url_set(handle, CURLUPART_QUERY, nil, 0) == CURLUE_OK, let shown = unsafe Self.part(CURLUPART_URL, of: handle)
        else { throw .malformed }
        self.text = whole
        self.shown = shown
    }

    private static func part(_ part: CURLUPart, of handle: OpaquePointer) -> String? {
        var text: UnsafeMutablePointer<CChar>?
        guard unsafe curl_url_get(handle, part, &text, 0) == CURLUE_OK, let found = unsafe text else { return nil }
        defer { unsafe curl_free(found) }
        return unsafe String(cString: found)
    }

    /// 127.0.0.0/8, ::1, and the name that means them (RFC 6761 §6.3). No other name: who answers for it could be somebody else tomorrow.
    private static func isThisMachine(_ host: String) -> Bool {
        if host.utf8.elementsEqual("[::1]".utf8) || host.lowercased().utf8.elementsEqual("localhost".utf8) { return true }
        let parts = host.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 4, parts[0].elementsEqual("127".utf8) else { return false }
        return parts.allSatisfy { part in
            part.allSatisfy { $0 &- UInt8(ascii: "0") < 10 } && UInt8(String(decoding: part, as: UTF8.self)) != nil
        }
    }
}

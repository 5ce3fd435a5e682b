internal import COpenSSL

/// What sessions of one listener have in common: certificate and key, versions, ciphers, whom to trust. Immutable once made, and used by all threads;
/// sessions keep theirs alive, so that another can take its place at any time.
///
/// `@unchecked Sendable`: OpenSSL counts the references by atomics and locks what sessions change in it.
@safe
package final class TLSContext: @unchecked Sendable {
    let pointer: OpaquePointer
    /// What an operator should know of the certificate, though it can be used: "expired on …".
    package private(set) var warnings: [String] = []
    /// When the first of our certificates ends, in seconds since 1970; nil where there is none.
    package private(set) var expiresAt: Int64?

    /// Far more than any chain.
    package static let fileBytesMax = 1_048_576

    private init(_ method: OpaquePointer?) throws(TLSFileError) {
        ErrorQueue.clear()
        guard let pointer = unsafe SSL_CTX_new(method) else {
            throw TLSFileError("OpenSSL", "cannot make a context: \(ErrorQueue.takeFirst()?.text ?? "no error given")")
        }
        unsafe self.pointer = unsafe pointer
        // RFC 9325: nothing before TLS 1.2, authenticated encryption and forward secrecy only. At level 2 a key has 112 bits of strength, whatever
        // the system's openssl.cnf says.
        unsafe SSL_CTX_set_security_level(pointer, 2)
        let isSet =
            unsafe wsg_tls_set_versions(pointer) == 1
            && SSL_CTX_set_ciphersuites(pointer, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256") == 1
            && SSL_CTX_set_cipher_list(pointer, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1
            && wsg_tls_set_groups(pointer, "X25519:P-256:P-384") == 1
        guard isSet else { throw TLSFileError("OpenSSL", "does not know our ciphers: \(ErrorQueue.takeFirst()?.text ?? "no error given")") }
        unsafe wsg_tls_set_options(pointer)
        // An idle session keeps no record buffers, of 17 KiB each way.
        unsafe wsg_tls_release_buffers(pointer)
        // Resumption is by tickets, which the client keeps; a cache would be a lock between the workers.
        unsafe wsg_tls_cache_off(pointer)
    }

    deinit { unsafe SSL_CTX_free(pointer) }

    /// A server's. With `clientCA` only who has a certificate of one of them gets in.
    ///
    /// Its tickets are sealed with a key of its own, that lives as long as it does: a client that resumes after it was replaced, or at another
    /// listener, is looked at again.
    package static func server(certificate: PEMFile, key: PEMFile, clientCA: PEMFile? = nil) throws(TLSFileError) -> TLSContext {
        let context = try unsafe TLSContext(TLS_server_method())
        try context.use(certificate, key)
        // One ticket a handshake: a client has one connection, and gets a new one with the next.
        unsafe SSL_CTX_set_num_tickets(context.pointer, 1)
        unsafe SSL_CTX_set_alpn_select_cb(
            context.pointer,
            { _, out, outCount, offered, count, _ in
                unsafe ALPN.selectHTTP1(out, outCount, offered, count)
            }, nil)
        // The records are sealed by us, where OpenSSL lets us.
        unsafe wsg_tls_hand_over_keys(context.pointer)
        unsafe SSL_CTX_set_keylog_callback(context.pointer) { session, line in
            guard let session = unsafe session, let line = unsafe line else { return }
            unsafe TLSSession.note(keyLogLine: line, of: session)
        }
        // Asked for where clients are verified; the key that seals the tickets is what tells contexts apart.
        let name: [UInt8] = Array("wsg".utf8)
        unsafe SSL_CTX_set_session_id_context(context.pointer, name, UInt32(name.count))
        if let clientCA { try context.trustClients(of: clientCA) }
        return context
    }

    /// A client's: it trusts the certificates of the file, or those of the system. The name of the server is checked by each session.
    package static func client(trusting file: PEMFile? = nil) throws(TLSFileError) -> TLSContext {
        let context = try unsafe TLSContext(TLS_client_method())
        if let file { try context.trust(file) } else { unsafe SSL_CTX_set_default_verify_paths(context.pointer) }
        unsafe SSL_CTX_set_verify(context.pointer, SSL_VERIFY_PEER, nil)
        let http1: [UInt8] = [8] + Array("http/1.1".utf8)
        unsafe SSL_CTX_set_alpn_protos(context.pointer, http1, UInt32(http1.count))
        return context
    }

    /// A client's, with a certificate to show.
    package static func client(trusting file: PEMFile?, certificate: PEMFile, key: PEMFile) throws(TLSFileError) -> TLSContext {
        let context = try client(trusting: file)
        try context.use(certificate, key)
        return context
    }

    // MARK: Files

    private func use(_ certificateFile: PEMFile, _ keyFile: PEMFile) throws(TLSFileError) {
        let certificates = try Certificate.all(in: certificateFile)
        let key = try PrivateKey.read(keyFile)
        ErrorQueue.clear()
        guard unsafe SSL_CTX_use_certificate(pointer, certificates[0].pointer) == 1 else {
            throw TLSFileError(certificateFile.name, "cannot be used: \(ErrorQueue.takeFirst()?.text ?? "no error given")")
        }
        for certificate in certificates.dropFirst() {
            guard unsafe wsg_tls_add_chain(pointer, certificate.pointer) == 1 else {
                throw TLSFileError(
                    certificateFile.name, "has a chain that cannot be used: \(ErrorQueue.takeFirst()?.text ?? "no error given")")
            }
        }
        guard unsafe X509_check_private_key(certificates[0].pointer, key.pointer) == 1 else {
            throw TLSFileError(keyFile.name, "is not the key of the certificate in \(certificateFile.name)")
        }
        ErrorQueue.clear()
        guard unsafe SSL_CTX_use_PrivateKey(pointer, key.pointer) == 1 else {
            throw TLSFileError(keyFile.name, "cannot be used: \(ErrorQueue.takeFirst()?.text ?? "no error given")")
        }
        noteTimes(certificates, certificateFile)
    }

    private func noteTimes(_ certificates: [Certificate], _ file: PEMFile) {
        let now = Int64(time(nil))
        for certificate in certificates {
            if certificate.notAfter <= now {
                warnings.append("\(file.name): the certificate of \(certificate.subject) has expired; clients will refuse it")
            } else if certificate.notBefore > now {
                warnings.append("\(file.name): the certificate of \(certificate.subject) is not valid yet; clients will refuse it")
            }
        }
        expiresAt = certificates.map(\.notAfter).min()
    }

    private func trust(_ file: PEMFile) throws(TLSFileError) {
        let store = unsafe SSL_CTX_get_cert_store(pointer)
        for certificate in try Certificate.all(in: file) {
            ErrorQueue.clear()
            guard unsafe X509_STORE_add_cert(store, certificate.pointer) == 1 else {
                throw TLSFileError(file.name, "cannot be used: \(ErrorQueue.takeFirst()?.text ?? "no error given")")
            }
        }
    }

    private func trustClients(of file: PEMFile) throws(TLSFileError) {
        try trust(file)
        // Clients with several certificates choose by these names.
        for certificate in try Certificate.all(in: file) { unsafe SSL_CTX_add_client_CA(pointer, certificate.pointer) }
        unsafe SSL_CTX_set_verify(pointer, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nil)
    }

    /// For tests: what an old peer speaks.
    package func allowOnlyTLS12() { unsafe wsg_tls_set_max_version(pointer, TLS1_2_VERSION) }
}

/// Which application protocol is spoken within (RFC 7301): HTTP/1.1 and nothing else.
private enum ALPN {
    private static let http1: StaticString = "http/1.1"

    /// OpenSSL has checked the list's lengths. Who offers protocols without ours gets the alert that §3.2 asks for.
    static func selectHTTP1(
        _ out: UnsafeMutablePointer<UnsafePointer<UInt8>?>?, _ outCount: UnsafeMutablePointer<UInt8>?, _ offered: UnsafePointer<UInt8>?,
        _ count: UInt32
    ) -> Int32 {
        guard let out = unsafe out, let outCount = unsafe outCount, let offered = unsafe offered else { return SSL_TLSEXT_ERR_ALERT_FATAL }
        let names = unsafe UnsafeBufferPointer(start: offered, count: Int(count))
        var position = 0
        while position < names.count {
            let length = Int(unsafe names[position])
            position += 1
            guard length <= names.count - position else { break }
            if length == http1.utf8CodeUnitCount, unsafe names[position..<position + length].elementsEqual(http1.bytes) {
                unsafe out.pointee = unsafe offered + position
                unsafe outCount.pointee = UInt8(length)
                return SSL_TLSEXT_ERR_OK
            }
            position += length
        }
        return SSL_TLSEXT_ERR_ALERT_FATAL
    }
}

extension StaticString {
    fileprivate var bytes: UnsafeBufferPointer<UInt8> { unsafe UnsafeBufferPointer(start: utf8Start, count: utf8CodeUnitCount) }
}

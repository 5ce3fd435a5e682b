internal import COpenSSL

/// OpenSSL's own client over its own memory BIOs: what our sessions are held against.
@safe
final class RawTLSClient {
    private let pointer: OpaquePointer
    private let input: OpaquePointer
    private let output: OpaquePointer
    private(set) var isEstablished = false
    private(set) var hasFailed = false
    /// It has read the server's close_notify.
    private(set) var hasEnded = false
    private(set) var received: [UInt8] = []

    nonisolated(unsafe) private static let context13: OpaquePointer = unsafe makeContext(versionMax: nil)
    nonisolated(unsafe) private static let context12: OpaquePointer = unsafe makeContext(versionMax: TLS1_2_VERSION)

    private static func makeContext(versionMax: Int32?) -> OpaquePointer {
        guard let context = unsafe SSL_CTX_new(TLS_client_method()) else { fatalError("a context") }
        if let versionMax { unsafe wsg_tls_set_max_version(context, versionMax) }
        return unsafe context
    }

    init(isTLS12: Bool, resuming session: SavedTLSSession?) {
        let context = unsafe isTLS12 ? Self.context12 : Self.context13
        guard let pointer = unsafe SSL_new(context), let input = unsafe BIO_new(BIO_s_mem()), let output = unsafe BIO_new(BIO_s_mem())
        else {
            fatalError("a client")
        }
        (unsafe self.pointer, unsafe self.input, unsafe self.output) = unsafe (pointer, input, output)
        unsafe SSL_set_bio(pointer, input, output)
        unsafe SSL_set_connect_state(pointer)
        if let session { unsafe SSL_set_session(pointer, session.pointer) }
        work()
    }

    deinit { unsafe SSL_free(pointer) }

    /// Bytes from the server, and all that comes of them.
    func take(_ bytes: [UInt8]) {
        unsafe BIO_write(input, bytes, Int32(bytes.count))
        work()
    }

    private func work() {
        guard !hasFailed, !hasEnded else { return }
        ERR_clear_error()
        if !isEstablished {
            let result = unsafe SSL_do_handshake(pointer)
            guard result == 1 else { return judge(result) }
            isEstablished = true
        }
        var buffer = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = unsafe SSL_read(pointer, &buffer, Int32(buffer.count))
            guard count > 0 else { return judge(count) }
            received += buffer[..<Int(count)]
        }
    }

    private func judge(_ result: Int32) {
        switch unsafe SSL_get_error(pointer, result) {
        case SSL_ERROR_WANT_READ: break
        case SSL_ERROR_ZERO_RETURN: hasEnded = true
        default: hasFailed = true
        }
        ERR_clear_error()
    }

    func say(_ bytes: [UInt8]) {
        let count = unsafe SSL_write(pointer, bytes, Int32(bytes.count))
        if Int(count) != bytes.count { hasFailed = true }
        ERR_clear_error()
    }

    func sayEnd() {
        unsafe SSL_shutdown(pointer)
        ERR_clear_error()
    }

    func updateKeys(asks: Bool) {
        unsafe SSL_key_update(pointer, asks ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED)
        unsafe SSL_do_handshake(pointer)
        ERR_clear_error()
    }

    /// What it wants sent.
    func takeOutput() -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: unsafe BIO_ctrl_pending(output))
        let count = unsafe bytes.isEmpty ? 0 : BIO_read(output, &bytes, Int32(bytes.count))
        return bytes.slice(0..<max(0, Int(count)))
    }

    func save() -> SavedTLSSession? { unsafe SSL_get1_session(pointer).map { unsafe SavedTLSSession(owning: $0) } }
}

/// What a client keeps of a session to resume it.
@safe
final class SavedTLSSession {
    fileprivate let pointer: OpaquePointer

    fileprivate init(owning pointer: OpaquePointer) { unsafe self.pointer = unsafe pointer }

    deinit { unsafe SSL_SESSION_free(pointer) }
}

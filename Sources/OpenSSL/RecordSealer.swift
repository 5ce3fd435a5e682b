internal import COpenSSL

/// Seals records (RFC 8446 §5.2) for all sessions of one thread: what belongs to a session is its ``TrafficKey``, and everything else is here and
/// stays in the cache.
@safe
package final class RecordSealer {
    private static let applicationData: UInt8 = 23
    /// A record's header, the type of its content, and the tag.
    static let overheadBytes = 5 + 1 + tagBytes
    private static let tagBytes = 16

    private let context: OpaquePointer
    private let record: UnsafeMutableBufferPointer<UInt8>

    /// Nil when memory is short.
    init?() {
        guard let context = unsafe EVP_CIPHER_CTX_new() else { return nil }
        let cipher = unsafe EVP_CIPHER_fetch(nil, "AES-128-GCM", nil)
        defer { unsafe EVP_CIPHER_free(cipher) }
        guard let cipher = unsafe cipher, unsafe EVP_EncryptInit_ex(context, cipher, nil, nil, nil) == 1 else {
            unsafe EVP_CIPHER_CTX_free(context)
            return nil
        }
        unsafe self.context = context
        unsafe record = .allocate(capacity: TLSSession.recordBytesMax + Self.overheadBytes)
        unsafe record.initialize(repeating: 0)
    }

    deinit {
        unsafe EVP_CIPHER_CTX_free(context)
        unsafe record.deallocate()
    }

    /// One record of this content, 1 to ``TLSSession/recordBytesMax`` bytes; `body` has it during the call. Nil where OpenSSL fails, which it does not:
    /// the session makes no sense any more then.
    package func seal<Result>(_ content: Span<UInt8>, with key: TrafficKey, _ body: (Span<UInt8>) -> Result) -> Result? {
        seal(content, type: Self.applicationData, with: key, body)
    }

    func seal<Result>(_ content: Span<UInt8>, type: UInt8, with key: TrafficKey, _ body: (Span<UInt8>) -> Result) -> Result? {
        precondition(!content.isEmpty && content.count <= TLSSession.recordBytesMax, "a record has 1 to 16,384 bytes of content")
        let sealedBytes = content.count + 1 + Self.tagBytes
        // What a record of TLS 1.3 looks like to whoever stands between: application data of TLS 1.2.
        unsafe record[0] = Self.applicationData
        unsafe record[1] = 3
        unsafe record[2] = 3
        unsafe record[3] = UInt8(truncatingIfNeeded: sealedBytes >> 8)
        unsafe record[4] = UInt8(truncatingIfNeeded: sealedBytes)
        guard encrypt(content, type, key) else { return nil }
        return body(unsafe UnsafeBufferPointer(rebasing: record[..<(5 + sealedBytes)]).span)
    }

    private func encrypt(_ content: Span<UInt8>, _ type: UInt8, _ key: TrafficKey) -> Bool {
        let start = unsafe record.baseAddress!
        let text = unsafe start + 5
        let count = Int32(content.count)
        var type = type
        var written: Int32 = 0
        return unsafe key.use { key, nonce in
            unsafe content.withUnsafeBufferPointer { content in
                unsafe EVP_EncryptInit_ex(context, nil, nil, key, nonce) == 1
                    && EVP_EncryptUpdate(context, nil, &written, start, 5) == 1
                    && EVP_EncryptUpdate(context, text, &written, content.baseAddress, count) == 1
                    && EVP_EncryptUpdate(context, text + Int(count), &written, &type, 1) == 1
                    && EVP_EncryptFinal_ex(context, text + Int(count) + 1, &written) == 1
                    && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, Int32(Self.tagBytes), text + Int(count) + 1) == 1
            }
        }
    }
}

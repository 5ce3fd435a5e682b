internal import COpenSSL

/// Records to the peer that we seal and OpenSSL does not. It hands over the key as it would to a kernel that does TLS (`SSL_OP_ENABLE_KTLS`), and from
/// then on writes what it has to say (tickets, alerts, key updates) unsealed, with a word on each record's type. Where it does not hand it over, since
/// it was built without or the cipher is another, it goes on sealing itself (docs/decisions/0028).
extension TLSSession {
    /// What OpenSSL asks of a BIO that may do TLS. `<openssl/bio.h>` has the numbers in a comment.
    private enum KTLS {
        static let setKey: Int32 = 72
        static let hasKey: Int32 = 73
        static let setRecordType: Int32 = 74
        static let clearRecordType: Int32 = 75
    }

    /// `struct tls12_crypto_info_aes_gcm_128` of <linux/tls.h>, which a key comes in.
    private enum KeyInfo {
        static let version: UInt16 = 0x0304
        static let aes128GCM: UInt16 = 51
        static let nonceTail = 4..<12
        static let key = 12..<28
        static let nonceHead = 28..<32
        static let sequence = 32..<40
    }

    func control(_ command: Int32, _ number: Int, _ pointer: UnsafeMutableRawPointer?) -> Int {
        switch command {
        // There is nothing to flush.
        case BIO_CTRL_FLUSH: return 1
        // Not zero: for what is written.
        case KTLS.setKey: return unsafe number != 0 && takeKey(pointer) ? 1 : 0
        case KTLS.hasKey: return trafficKey == nil ? 0 : 1
        case KTLS.setRecordType:
            recordType = UInt8(truncatingIfNeeded: number)
            return 1
        case KTLS.clearRecordType:
            recordType = nil
            return 1
        default: return 0
        }
    }

    private func takeKey(_ pointer: UnsafeMutableRawPointer?) -> Bool {
        guard let pointer = unsafe pointer, buffers.sealer != nil else { return false }
        let kind = unsafe (pointer.loadUnaligned(as: UInt16.self), pointer.loadUnaligned(fromByteOffset: 2, as: UInt16.self))
        guard kind == (KeyInfo.version, KeyInfo.aes128GCM) else { return false }
        let info = unsafe UnsafeRawBufferPointer(start: pointer, count: KeyInfo.sequence.upperBound)
        var nonce = unsafe Array(info[KeyInfo.nonceHead])
        unsafe nonce += info[KeyInfo.nonceTail]
        let key = unsafe UnsafeBufferPointer(rebasing: info.assumingMemoryBound(to: UInt8.self)[KeyInfo.key])
        let sequence = unsafe info[KeyInfo.sequence].reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
        guard let next = unsafe TrafficKey(key: key.span, nonce: nonce.span, sequence: sequence) else { return false }
        take(next)
        return true
    }

    /// Whoever has the key has the next one with it.
    private func take(_ next: TrafficKey) {
        if let trafficKey { trafficKey.change(to: next) } else { trafficKey = next }
    }

    /// OpenSSL tells the secrets of each session, for its key log; we keep the one that the next keys come from.
    static func note(keyLogLine line: UnsafePointer<CChar>, of session: OpaquePointer) {
        let bytes = unsafe UnsafeRawBufferPointer(start: line, count: strlen(line)).assumingMemoryBound(to: UInt8.self)
        guard let bio = unsafe SSL_get_wbio(session), let secret = unsafe TrafficSecret(keyLogLine: bytes.span) else { return }
        unsafe of(bio).trafficSecret = secret
    }

    /// Into the output. `type` is OpenSSL's word on it, if it gave one. False where OpenSSL cannot encrypt: the session is over.
    func seal(_ content: Span<UInt8>, type: UInt8?, _ key: TrafficKey) -> Bool {
        recordType = nil
        guard let sealer = buffers.sealer, sealer.seal(content, type: type ?? Record.applicationData, with: key, append) != nil else {
            fail()
            return false
        }
        // OpenSSL says that the key changes (RFC 8446 §4.6.3), and leaves it to who seals.
        if type == Record.handshake, content[0] == Record.keyUpdate { return nextKey() }
        return true
    }

    private func nextKey() -> Bool {
        trafficSecret?.update()
        guard let next = trafficSecret?.firstKey() else {
            fail()
            return false
        }
        take(next)
        return true
    }
}

private enum Record {
    static let applicationData: UInt8 = 23
    static let handshake: UInt8 = 22
    /// Of the handshake message within.
    static let keyUpdate: UInt8 = 24
}

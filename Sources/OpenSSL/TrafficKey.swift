internal import COpenSSL

/// What a TLS 1.3 session's records to the peer are sealed with: AES-128-GCM's key, the nonce's fixed part, and the number of the next record (RFC 8446
/// §5.3). All that a record needs of its session lies here, in 64 bytes side by side: a fan-out touches nothing else of it (docs/decisions/0028).
///
/// One thread's. The number is in no other place, and goes up with each use: no nonce is used twice.
package final class TrafficKey {
    private var key: (UInt64, UInt64)
    /// The first 4 bytes of the nonce's fixed part, and the other 8 as the number that they are.
    private var nonceHead: UInt32
    private var nonceTail: UInt64
    private var sequence: UInt64
    /// A record may be sealed and sent now: nothing sealed before it waits, and the session stands.
    package internal(set) var isFree = false

    /// RFC 8446 §5.5 allows 2^24.5 full records with one key.
    static let recordsMax: UInt64 = 1 << 24

    static let keyBytes = 16
    static let nonceBytes = 12

    /// The first record has the number `sequence`. Nil where the counts of bytes are wrong.
    init?(key: Span<UInt8>, nonce: Span<UInt8>, sequence: UInt64) {
        guard key.count == Self.keyBytes, nonce.count == Self.nonceBytes else { return nil }
        self.key = unsafe key.withUnsafeBytes { unsafe $0.loadUnaligned(as: (UInt64, UInt64).self) }
        nonceHead = unsafe nonce.withUnsafeBytes { unsafe $0.loadUnaligned(as: UInt32.self) }
        nonceTail = UInt64(bigEndian: unsafe nonce.withUnsafeBytes { unsafe $0.loadUnaligned(fromByteOffset: 4, as: UInt64.self) })
        self.sequence = sequence
    }

    /// Another key, from its first record on, for all who have this one.
    func change(to next: TrafficKey) {
        key = next.key
        (nonceHead, nonceTail, sequence, isDeclaredWorn) = (next.nonceHead, next.nonceTail, next.sequence, false)
    }

    deinit { unsafe withUnsafeMutableBytes(of: &key) { unsafe OPENSSL_cleanse($0.baseAddress, $0.count) } }

    /// Another is due before the next record.
    var isWornOut: Bool { isDeclaredWorn || sequence >= Self.recordsMax }
    private var isDeclaredWorn = false

    /// As so many records do; for tests.
    package func wearOut() { isDeclaredWorn = true }

    /// Hands out the key and the next record's nonce, once.
    func use<Result>(_ body: (UnsafePointer<UInt8>, UnsafePointer<UInt8>) -> Result) -> Result {
        // Beyond 2^64 records, at the latest: recordsMax is far below.
        precondition(sequence < .max, "a nonce was about to be used twice")
        let tail = (nonceTail ^ sequence).bigEndian
        sequence += 1
        return unsafe withUnsafeTemporaryAllocation(byteCount: Self.nonceBytes, alignment: 8) { nonce in
            unsafe nonce.storeBytes(of: nonceHead, as: UInt32.self)
            unsafe nonce.storeBytes(of: tail, toByteOffset: 4, as: UInt64.self)
            return unsafe withUnsafeBytes(of: &key) { key in
                unsafe body(key.baseAddress!.assumingMemoryBound(to: UInt8.self), nonce.baseAddress!.assumingMemoryBound(to: UInt8.self))
            }
        }
    }
}

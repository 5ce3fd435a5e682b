internal import COpenSSL

/// The secret that a direction's traffic keys come from (RFC 8446 §7.1), for cipher suites with SHA-256.
struct TrafficSecret {
    private var bytes: [UInt8]

    /// Of OpenSSL's key log: "SERVER_TRAFFIC_SECRET_0 ", the client's random, a space, and the secret, both in hexadecimal. Nil for any other line, and for a
    /// secret of another hash.
    init?(keyLogLine line: Span<UInt8>) {
        let label: StaticString = "SERVER_TRAFFIC_SECRET_0 "
        let labelBytes = unsafe UnsafeBufferPointer(start: label.utf8Start, count: label.utf8CodeUnitCount)
        let secretStart = line.count - 2 * SHA256.digestBytes
        guard secretStart > labelBytes.count, line[secretStart - 1] == UInt8(ascii: " ") else { return nil }
        for index in labelBytes.indices where unsafe line[index] != labelBytes[index] { return nil }
        for index in labelBytes.count..<secretStart - 1 where line[index] == UInt8(ascii: " ") { return nil }
        bytes = []
        bytes.reserveCapacity(SHA256.digestBytes)
        for index in stride(from: secretStart, to: line.count, by: 2) {
            guard let high = Self.digit(line[index]), let low = Self.digit(line[index + 1]) else { return nil }
            bytes.append(high << 4 | low)
        }
    }

    private static func digit(_ byte: UInt8) -> UInt8? { Character(Unicode.Scalar(byte)).hexDigitValue.map(UInt8.init) }

    /// Nothing of it is left in the memory that it had.
    mutating func wipe() { Self.wipe(&bytes) }

    private static func wipe(_ bytes: inout [UInt8]) {
        unsafe bytes.withUnsafeMutableBytes { unsafe OPENSSL_cleanse($0.baseAddress, $0.count) }
    }

    /// The next secret takes this one's place (§7.2).
    mutating func update() {
        let next = expand("traffic upd", count: SHA256.digestBytes)
        wipe()
        bytes = next
    }

    /// The key of this secret, from its first record on (§7.3).
    func firstKey() -> TrafficKey? {
        var key = expand("key", count: TrafficKey.keyBytes)
        defer { Self.wipe(&key) }
        let nonce = expand("iv", count: TrafficKey.nonceBytes)
        return TrafficKey(key: key.span, nonce: nonce.span, sequence: 0)
    }

    /// HKDF-Expand-Label without a context (§7.1), `count` at most a digest: then RFC 5869 §2.3 is one HMAC.
    func expand(_ label: StaticString, count: Int) -> [UInt8] {
        precondition(count <= SHA256.digestBytes, "one digest is all that is expanded")
        var info: [UInt8] = [0, UInt8(count), UInt8(6 + label.utf8CodeUnitCount)]
        info += "tls13 ".utf8
        unsafe info += UnsafeBufferPointer(start: label.utf8Start, count: label.utf8CodeUnitCount)
        info += [0, 1]
        var digest = [UInt8](repeating: 0, count: SHA256.digestBytes)
        let isDone = unsafe HMAC(EVP_sha256(), bytes, Int32(bytes.count), info, info.count, &digest, nil) != nil
        precondition(isDone, "HMAC of bytes in memory does not fail")
        return Array(digest.prefix(count))
    }
}

internal import COpenSSL

/// The secret that a direction's traffic keys come from (RFC 8446 §7.1), for cipher suites with SHA-256.
struct TrafficSecret {
    private var bytes: [UInt8]

    /// Of OpenSSL's key log: "SERVER_TRAFFIC_SECRET_0 ", the client's random and the secret, both in hexadecimal. Nil for any other line, and for a
    /// secret of another hash.
    init?(keyLogLine line: String) {
        let parts = line.utf8.split(separator: UInt8(ascii: " "))
        guard parts.count == 3, parts[0].elementsEqual("SERVER_TRAFFIC_SECRET_0".utf8), parts[2].count == 2 * SHA256.digestBytes else {
            return nil
        }
        var bytes: [UInt8] = []
        var high: UInt8?
        for digit in parts[2] {
            guard let value = Character(Unicode.Scalar(digit)).hexDigitValue.map(UInt8.init) else { return nil }
            if let first = high {
                bytes.append(first << 4 | value)
                high = nil
            } else {
                high = value
            }
        }
        self.bytes = bytes
    }

    /// The next secret takes this one's place (§7.2).
    mutating func update() { bytes = expand("traffic upd", count: SHA256.digestBytes) }

    /// The key of this secret, from its first record on (§7.3).
    func firstKey() -> TrafficKey? {
        let key = expand("key", count: TrafficKey.keyBytes)
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

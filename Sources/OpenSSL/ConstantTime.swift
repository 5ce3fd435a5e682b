internal import COpenSSL

/// Comparisons whose time says nothing about where two secrets differ.
package enum ConstantTime {
    /// Whether the bytes are the same. The time depends on the length alone, which is no secret.
    package static func areEqual(_ left: Span<UInt8>, _ right: Span<UInt8>) -> Bool {
        guard left.count == right.count else { return false }
        let count = left.count
        return unsafe left.withUnsafeBytes { left in
            unsafe right.withUnsafeBytes { right in
                guard let left = left.baseAddress, let right = right.baseAddress else { return true }
                return unsafe CRYPTO_memcmp(left, right, count) == 0
            }
        }
    }
}

internal import COpenSSL

/// FIPS 180-4.
package enum SHA256 {
    package static let digestBytes = 32

    /// 32 bytes.
    package static func digest(_ bytes: Span<UInt8>) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: digestBytes)
        let isDone = unsafe bytes.withUnsafeBytes { bytes in
            unsafe digest.withUnsafeMutableBufferPointer { digest in
                unsafe EVP_Digest(bytes.baseAddress, bytes.count, digest.baseAddress, nil, method.pointer, nil) == 1
            }
        }
        precondition(isDone, "SHA-256 of bytes in memory does not fail")
        return digest
    }

    /// Looked up once: by name with each digest it is as much work as the digest.
    private static let method = Method()

    /// `@unchecked Sendable`: OpenSSL's methods never change, and are counted by atomics.
    @safe
    private final class Method: @unchecked Sendable {
        let pointer: OpaquePointer

        init() {
            guard let found = unsafe EVP_MD_fetch(nil, "SHA256", nil) else { preconditionFailure("OpenSSL has SHA-256") }
            unsafe pointer = found
        }
    }
}

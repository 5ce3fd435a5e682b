import CWebSocket

/// Sec-WebSocket-Accept, which proves that a Sec-WebSocket-Key was understood (RFC 6455 §1.3, §4.2.2): 28 Base64 digits, in place.
package struct AcceptKey: Sendable, Equatable, CustomStringConvertible {
    package static let byteCount = 28
    private var digits = InlineArray<28, UInt8>(repeating: 0)

    /// Whether a key is "a base64-encoded value that, when decoded, is 16 bytes in length" (§4.2.1): 22 digits and two pads.
    /// The four bits of the last digit that decode to nothing may be anything, as for most decoders (RFC 4648 §3.5).
    package static func isWellFormed(_ key: Span<UInt8>) -> Bool {
        guard key.count == 24, key[22] == UInt8(ascii: "="), key[23] == UInt8(ascii: "=") else { return false }
        for index in 0..<22 where !isBase64Digit(key[index]) { return false }
        return true
    }

    /// The answer to a well-formed key. nil when libcrypto has no SHA-1 to give, which only a broken installation or an empty memory explains.
    package init?(answering key: Span<UInt8>) {
        precondition(key.count == 24, "a well-formed key")
        var digits = InlineArray<28, UInt8>(repeating: 0)
        var span = digits.mutableSpan
        let result = unsafe span.withUnsafeMutableBufferPointer { digits in
            unsafe key.withUnsafeBufferPointer { key in
                // Neither is empty: 24 bytes are read, 28 are written.
                guard let key = key.baseAddress, let digits = digits.baseAddress else { return -1 as Int32 }
                return unsafe wsg_accept_key(key, digits)
            }
        }
        guard result == 0 else { return nil }
        self.digits = digits
    }

    package func append(to bytes: inout [UInt8]) {
        let span = digits.span
        unsafe span.withUnsafeBufferPointer { unsafe bytes.append(contentsOf: $0) }
    }

    package var description: String {
        var bytes: [UInt8] = []
        append(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    package static func == (left: AcceptKey, right: AcceptKey) -> Bool {
        for index in left.digits.indices where left.digits[index] != right.digits[index] { return false }
        return true
    }

    private static func isBase64Digit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        case UInt8(ascii: "+"), UInt8(ascii: "/"): true
        default: false
        }
    }
}

import CWebSocket

/// Sec-WebSocket-Key and the Sec-WebSocket-Accept that proves it was understood (RFC 6455 §1.3, §4.2.2).
package enum AcceptKey {
    /// Whether a key is "a base64-encoded value that, when decoded, is 16 bytes in length" (§4.2.1): 22 digits and two pads.
    /// The four bits of the last digit that decode to nothing may be anything, as for most decoders (RFC 4648 §3.5).
    package static func isWellFormed(_ key: String) -> Bool {
        let utf8 = key.utf8
        let bytes = utf8.span
        guard bytes.count == 24, bytes[22] == UInt8(ascii: "="), bytes[23] == UInt8(ascii: "=") else { return false }
        for index in 0..<22 where !isBase64Digit(bytes[index]) { return false }
        return true
    }

    /// nil when libcrypto has no SHA-1 to give, which only a broken installation or an empty memory explains.
    package static func accept(_ key: String) -> String? {
        precondition(key.utf8.count == 24, "a well-formed key")
        var hasFailed = false
        let accept = unsafe String(unsafeUninitializedCapacity: 28) { accept in
            unsafe accept.withMemoryRebound(to: CChar.self) { accept in
                guard let start = accept.baseAddress, unsafe wsg_accept_key(key, start) == 0 else {
                    hasFailed = true
                    return 0
                }
                return 28
            }
        }
        return hasFailed ? nil : accept
    }

    private static func isBase64Digit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        case UInt8(ascii: "+"), UInt8(ascii: "/"): true
        default: false
        }
    }
}

/// The word of header fields: names of subprotocols, of extensions and of their parameters.
enum Token {
    /// RFC 9110 §5.6.2, which is narrower by nothing than RFC 6455's "U+0021 to U+007E without separators".
    static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }
}

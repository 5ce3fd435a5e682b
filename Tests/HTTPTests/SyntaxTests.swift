import Testing

@testable import HTTP

struct SyntaxTests {
    @Test func `token bytes are those of RFC 9110 §5_6_2`() {
        let expected = Set("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".utf8)
        for byte in UInt8.min ... .max { #expect(byte.isToken == expected.contains(byte), "\(byte)") }
    }

    @Test func `control bytes are all below space but HTAB, and DEL`() {
        for byte in UInt8.min ... .max { #expect(byte.isControl == ((byte < 32 && byte != 9) || byte == 127), "\(byte)") }
    }

    @Test func `registered name bytes are unreserved and sub-delims`() {
        let expected = Set("-._~!$&'()*+,;=0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".utf8)
        for byte in UInt8.min ... .max { #expect(byte.isRegisteredName == expected.contains(byte), "\(byte)") }
    }

    @Test func `hexadecimal digits have values and other bytes none`() {
        for byte in UInt8.min ... .max {
            let digit = byte < 128 ? UInt8(String(UnicodeScalar(byte)), radix: 16) : nil
            #expect(byte.hexadecimalValue == digit, "\(byte)")
            #expect(byte.isDigit == (48...57).contains(byte))
            #expect(byte.isVisible == (33...126).contains(byte))
            #expect(byte.lowercased == ((65...90).contains(byte) ? byte + 32 : byte))
        }
    }
}

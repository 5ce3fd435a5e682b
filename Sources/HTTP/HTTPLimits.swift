/// How much of a head and a body a peer may make us hold. Lengths are bytes.
package struct HTTPLimits: Sendable {
    /// The request line without its CRLF. RFC 9112 §3 asks for at least 8,000; a token of 8 KiB does not fit, and belongs in a header.
    package var requestLineBytesMax = 8192
    /// One header line without its CRLF.
    package var headerLineBytesMax = 8192
    /// All header lines, each with its CRLF; the empty line that ends them is not counted.
    package var headersBytesMax = 16384
    package var headerFieldsMax = 64
    /// The content after decoding; chunk framing does not count.
    package var bodyBytesMax = 1_048_576

    package init() {}

    /// Offsets into a head are kept in 32 bits and sums of limits must not overflow, so limits on heads end here.
    private static let headBytesCeiling = 16 << 20

    func check() {
        for limit in [requestLineBytesMax, headerLineBytesMax, headersBytesMax, headerFieldsMax] {
            precondition((0...Self.headBytesCeiling).contains(limit), "a limit on a request head is between 0 and 16 MiB")
        }
        precondition(bodyBytesMax >= 0, "a limit on a body is not negative")
    }

    /// The longest head that is within the limits: start line, header lines, and the empty line.
    var headBytesMax: Int { requestLineBytesMax + 2 + headersBytesMax + 2 }
}

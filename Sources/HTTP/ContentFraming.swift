/// How long the content of a message is, by its header fields (RFC 9112 §6.3).
struct ContentFraming: Sendable {
    private(set) var contentLength: Int?
    private(set) var isChunked = false

    var hasContent: Bool { isChunked || (contentLength ?? 0) > 0 }

    /// Takes note of a field that decides about framing; others pass.
    @inline(__always)
    mutating func receive(_ line: FieldLine, of bytes: Span<UInt8>) throws(HTTPViolation) {
        switch line.nameCount {
        case 14 where line.isNamed("content-length", in: bytes):
            try line.checkHoldsNoTab(in: bytes)
            try receiveContentLength(bytes.extracting(line.value))
        case 17 where line.isNamed("transfer-encoding", in: bytes):
            try line.checkHoldsNoTab(in: bytes)
            try receiveTransferEncoding(bytes.extracting(line.value))
        default: break
        }
    }

    /// Content-Length = 1*DIGIT. Equal repetitions (`5, 5`) may be forgiven by the RFC; here they are refused.
    private mutating func receiveContentLength(_ value: Span<UInt8>) throws(HTTPViolation) {
        if isChunked { throw .transferEncodingWithContentLength }
        if contentLength != nil { throw .contentLengthDuplicate }
        guard !value.isEmpty, value.allSatisfy(\.isDigit) else { throw .contentLengthMalformed }
        // 18 digits cannot overflow Int, and nobody sends an exabyte.
        guard value.count <= 18 else { throw .bodyTooLarge }
        var length = 0
        for index in value.indices { length = length * 10 + Int(value[index] - UInt8(ascii: "0")) }
        contentLength = length
    }

    /// Both fields at once are the classic request smuggling (§6.1, §11.2).
    private mutating func receiveTransferEncoding(_ value: Span<UInt8>) throws(HTTPViolation) {
        if isChunked { throw .transferEncodingDuplicate }
        if contentLength != nil { throw .transferEncodingWithContentLength }
        guard value.equalsIgnoringCase("chunked") else { throw .transferCodingUnknown }
        isChunked = true
    }
}

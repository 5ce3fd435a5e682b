/// What makes a request head acceptable, line by line and then as a whole.
struct RequestRules: HeadRules {
    static var startLineTooLong: HTTPViolation { .requestLineTooLong }

    let line: RequestLine
    private(set) var framing = ContentFraming()
    private(set) var expectsContinue = false
    private var hasHost = false
    private var hasUpgrade = false

    init(startLine: Range<Int>, of bytes: Span<UInt8>) throws(HTTPViolation) {
        line = try RequestLine(startLine, of: bytes)
    }

    mutating func receive(_ field: FieldLine, of bytes: Span<UInt8>) throws(HTTPViolation) {
        try framing.receive(field, of: bytes)
        switch field.nameCount {
        case 4 where field.isNamed("host", in: bytes):
            if hasHost { throw .hostDuplicate }
            try HostField.check(bytes.extracting(field.value))
            hasHost = true
        case 6 where field.isNamed("expect", in: bytes):
            guard bytes.extracting(field.value).equalsIgnoringCase("100-continue") else { throw .expectationUnknown }
            expectsContinue = true
        case 7 where field.isNamed("upgrade", in: bytes):
            // The JDK's HttpClient offers h2c with its first request, body and all; an offer we ignore hides nothing (RFC 9110 §7.8).
            hasUpgrade = hasUpgrade || !bytes.extracting(field.value).equalsIgnoringCase("h2c")
        case 10 where field.isNamed("connection", in: bytes):
            try field.checkHoldsNoTab(in: bytes)
        default: break
        }
    }

    /// What only the end of the head can tell.
    func checkWhole(bodyBytesMax: Int) throws(HTTPViolation) {
        // HTTP/1.0 had no Host; the health checks that we still take it from do not send one.
        if !hasHost, line.version == .http11 { throw .hostMissing }
        // §6.1: a 1.0 message with Transfer-Encoding has faulty framing.
        if framing.isChunked, line.version == .http10 { throw .transferEncodingInHTTP10 }
        if line.method.needsLength, framing.contentLength == nil, !framing.isChunked { throw .lengthRequired }
        // Bytes after an upgrade request are frames: a body in between is a place to hide something.
        if hasUpgrade, framing.hasContent { throw .upgradeWithBody }
        // Of a 100 and a 101 the first would have to come first (RFC 9110 §7.8), for content that there may not be.
        if hasUpgrade, expectsContinue { throw .upgradeWithExpectation }
        if let length = framing.contentLength, length > bodyBytesMax { throw .bodyTooLarge }
    }
}

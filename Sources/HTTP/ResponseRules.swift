/// `HTTP-version SP 3DIGIT SP [ reason-phrase ]` (RFC 9112 §4), and the fields that decide where a response ends.
struct ResponseRules: HeadRules {
    static var startLineTooLong: HTTPViolation { .statusLineTooLong }

    let status: UInt16
    let version: HTTPVersion
    private(set) var framing = ContentFraming()

    /// A missing space before an empty phrase is forgiven, as most clients do.
    init(startLine: Range<Int>, of bytes: Span<UInt8>) throws(HTTPViolation) {
        let text = bytes.extracting(startLine)
        guard text.count >= 12, text[8] == .space, text.count == 12 || text[12] == .space else { throw .statusLineMalformed }
        version = try HTTPVersion(text.extracting(0..<8))
        var status: UInt16 = 0
        for index in 9..<12 {
            guard text[index].isDigit else { throw .statusLineMalformed }
            status = status * 10 + UInt16(text[index] - UInt8(ascii: "0"))
        }
        guard (100...599).contains(status) else { throw .statusLineMalformed }
        self.status = status
    }

    mutating func receive(_ line: FieldLine, of bytes: Span<UInt8>) throws(HTTPViolation) {
        try framing.receive(line, of: bytes)
    }

    /// 1xx, 204 and 304 never have content, whatever their fields say (RFC 9112 §6.3).
    var allowsContent: Bool { status >= 200 && status != 204 && status != 304 }
}

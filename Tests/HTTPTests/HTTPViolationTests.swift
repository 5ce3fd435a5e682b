import HTTP
import Testing

struct HTTPViolationTests {
    @Test(arguments: HTTPViolation.allCases) func `a violation tells a status, a word, a sentence and a section`(violation: HTTPViolation) {
        #expect((400...505).contains(violation.status.code))
        #expect(violation.code.utf8.allSatisfy { (65...90).contains($0) || $0 == UInt8(ascii: "_") })
        #expect(!violation.message.isEmpty)
        #expect(violation.section.hasPrefix("RFC ") && violation.section.contains("§"))
    }

    @Test func `every rule for requests has a hostile request in the corpus or a limit test`() {
        let refused = Set(Corpus.hostile.map(\.violation))
        let limits: Set<HTTPViolation> = [.requestLineTooLong, .headerLineTooLong, .headersTooLarge, .headerFieldsTooMany]
        let responses: Set<HTTPViolation> = [.statusLineMalformed, .statusLineTooLong, .responseLengthUnknown]
        #expect(Set(HTTPViolation.allCases) == refused.union(limits).union(responses))
    }

    @Test(
        arguments: [
            (.bareLineFeed, 400, "BAD_REQUEST"), (.lengthRequired, 411, "LENGTH_REQUIRED"), (.bodyTooLarge, 413, "PAYLOAD_TOO_LARGE"),
            (.requestLineTooLong, 414, "URI_TOO_LONG"), (.headersTooLarge, 431, "HEADERS_TOO_LARGE"),
            (.headerLineTooLong, 431, "HEADERS_TOO_LARGE"), (.headerFieldsTooMany, 431, "HEADERS_TOO_LARGE"),
            (.methodUnknown, 501, "NOT_IMPLEMENTED"), (.transferCodingUnknown, 501, "NOT_IMPLEMENTED"),
            (.versionNotSupported, 505, "HTTP_VERSION_NOT_SUPPORTED"),
        ] as [(HTTPViolation, UInt16, String)])
    func `the status decides the word`(violation: HTTPViolation, status: UInt16, code: String) {
        #expect(violation.status.code == status)
        #expect(violation.code == code)
    }
}

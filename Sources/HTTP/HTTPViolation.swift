/// What a peer did that RFC 9112, or a stricter rule of ours, does not allow: one case per rule.
///
/// After a violation the connection has no known message boundary any more: answer `status` and close.
package enum HTTPViolation: Error, Sendable, Equatable, CaseIterable {
    // The start line
    case startLineEmpty
    case requestLineTooLong
    case requestLineMalformed
    case methodMalformed
    case methodUnknown
    case targetNotOriginForm
    case targetByteNotAllowed
    case versionMalformed
    case versionNotSupported

    // Any line
    case bareLineFeed
    case bareCarriageReturn
    case controlByte

    // Header fields
    case headerLineTooLong
    case headersTooLarge
    case headerFieldsTooMany
    case fieldFolded
    case fieldColonMissing
    case fieldNameMalformed
    case fieldNameFollowedBySpace
    case fieldHoldsTab
    case hostMissing
    case hostDuplicate
    case hostMalformed
    case expectationUnknown

    // Content
    case contentLengthMalformed
    case contentLengthDuplicate
    case bodyTooLarge
    case lengthRequired
    case transferCodingUnknown
    case transferEncodingDuplicate
    case transferEncodingWithContentLength
    case transferEncodingInHTTP10
    case upgradeWithBody
    case upgradeWithExpectation
    case chunkSizeMalformed
    case chunkSizeTooLong
    case chunkExtension
    case chunkNotDelimited
    case trailerField

    // Responses, as our own clients read them
    case statusLineMalformed
    case statusLineTooLong
    case responseLengthUnknown
}

extension HTTPViolation {
    /// What a server answers. The cases of responses are never answered; they read as 400.
    package var status: HTTPStatus { rule.status }

    /// A stable word for programs, from the status: many rules, few words.
    package var code: String {
        switch status {
        case .lengthRequired: "LENGTH_REQUIRED"
        case .contentTooLarge: "PAYLOAD_TOO_LARGE"
        case .uriTooLong: "URI_TOO_LONG"
        case .requestHeaderFieldsTooLarge: "HEADERS_TOO_LARGE"
        case .notImplemented: "NOT_IMPLEMENTED"
        case .httpVersionNotSupported: "HTTP_VERSION_NOT_SUPPORTED"
        default: "BAD_REQUEST"
        }
    }

    /// What was wrong, for people. Holds no byte of the peer's.
    package var message: String { rule.message }

    /// Where the rule is written, or for a rule of ours the nearest one.
    package var section: String { rule.section }

    private var rule: (status: HTTPStatus, message: String, section: String) {
        switch self {
        case .startLineEmpty: (.badRequest, "an empty line stands where a message should start", "RFC 9112 §2.2")
        case .requestLineTooLong: (.uriTooLong, "the request line is too long", "RFC 9112 §3")
        case .requestLineMalformed:
            (.badRequest, "the request line is not a method, a target and a version with single spaces between", "RFC 9112 §3")
        case .methodMalformed: (.badRequest, "the method is not a token", "RFC 9110 §9.1")
        case .methodUnknown: (.notImplemented, "the method is not known here", "RFC 9110 §15.6.2")
        case .targetNotOriginForm: (.badRequest, "the request target does not start with a slash", "RFC 9112 §3.2.1")
        case .targetByteNotAllowed: (.badRequest, "the request target holds a byte that is not visible ASCII, or a '#'", "RFC 9112 §3.2")
        case .versionMalformed: (.badRequest, "the version is not HTTP/ and two digits", "RFC 9112 §2.3")
        case .versionNotSupported: (.httpVersionNotSupported, "only HTTP/1.1 is spoken here", "RFC 9110 §15.6.6")

        case .bareLineFeed: (.badRequest, "a line ends with LF alone instead of CRLF", "RFC 9112 §2.2")
        case .bareCarriageReturn: (.badRequest, "a CR is not followed by LF", "RFC 9112 §2.2")
        case .controlByte: (.badRequest, "a line holds a control character", "RFC 9110 §5.5")

        case .headerLineTooLong: (.requestHeaderFieldsTooLarge, "a header line is too long", "RFC 6585 §5")
        case .headersTooLarge: (.requestHeaderFieldsTooLarge, "the headers are too large together", "RFC 6585 §5")
        case .headerFieldsTooMany: (.requestHeaderFieldsTooLarge, "there are too many header fields", "RFC 6585 §5")
        case .fieldFolded: (.badRequest, "a header line starts with white space", "RFC 9112 §5.2")
        case .fieldColonMissing: (.badRequest, "a header line has no colon", "RFC 9112 §5")
        case .fieldNameMalformed: (.badRequest, "a header name is not a token", "RFC 9110 §5.1")
        case .fieldNameFollowedBySpace: (.badRequest, "white space stands between a header name and its colon", "RFC 9112 §5.1")
        case .fieldHoldsTab: (.badRequest, "a header that decides about length or connection holds a tab", "RFC 9110 §5.6.3")
        case .hostMissing: (.badRequest, "the Host header is missing", "RFC 9112 §3.2")
        case .hostDuplicate: (.badRequest, "there is more than one Host header", "RFC 9112 §3.2")
        case .hostMalformed: (.badRequest, "the Host header is not a host and an optional port", "RFC 9112 §3.2")
        case .expectationUnknown: (.badRequest, "the Expect header asks for something other than 100-continue", "RFC 9110 §10.1.1")

        case .contentLengthMalformed: (.badRequest, "the Content-Length is not a number in digits", "RFC 9112 §6.3")
        case .contentLengthDuplicate: (.badRequest, "there is more than one Content-Length", "RFC 9112 §6.3")
        case .bodyTooLarge: (.contentTooLarge, "the body is too large", "RFC 9110 §15.5.14")
        case .lengthRequired: (.lengthRequired, "a POST or PUT needs a Content-Length or a chunked body", "RFC 9110 §15.5.12")
        case .transferCodingUnknown: (.notImplemented, "the only transfer coding known here is chunked, once", "RFC 9112 §6.1")
        case .transferEncodingDuplicate: (.badRequest, "there is more than one Transfer-Encoding", "RFC 9112 §6.1")
        case .transferEncodingWithContentLength: (.badRequest, "Transfer-Encoding and Content-Length stand together", "RFC 9112 §6.1")
        case .transferEncodingInHTTP10: (.badRequest, "HTTP/1.0 has no Transfer-Encoding", "RFC 9112 §6.1")
        case .upgradeWithBody: (.badRequest, "a request to upgrade has a body", "RFC 9110 §7.8")
        case .upgradeWithExpectation: (.badRequest, "a request to upgrade expects 100-continue", "RFC 9110 §7.8")
        case .chunkSizeMalformed: (.badRequest, "a chunk size is not hexadecimal digits and CRLF", "RFC 9112 §7.1")
        case .chunkSizeTooLong: (.badRequest, "a chunk size has more than 8 digits", "RFC 9112 §7.1")
        case .chunkExtension: (.badRequest, "chunk extensions are not accepted here", "RFC 9112 §7.1.1")
        case .chunkNotDelimited: (.badRequest, "a chunk is not followed by CRLF", "RFC 9112 §7.1")
        case .trailerField: (.badRequest, "trailer fields are not accepted here", "RFC 9112 §7.1.2")

        case .statusLineMalformed: (.badRequest, "the status line is not a version, three digits and a phrase", "RFC 9112 §4")
        case .statusLineTooLong: (.badRequest, "the status line is too long", "RFC 9112 §4")
        case .responseLengthUnknown: (.badRequest, "the response tells no length: reading until the end is not supported", "RFC 9112 §6.3")
        }
    }
}

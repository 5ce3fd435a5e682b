import HTTP

/// Input: pipelined requests as they come over the wire.
enum RequestParserTarget: FuzzTarget {
    static let name = "request_parser"

    static func run(_ input: [UInt8]) {
        for limits in [HTTPLimits(), small] {
            let whole = outcome(input, [0..<input.count], limits)
            for pieces in Pieces.ways(input) {
                requireEqual(outcome(input, pieces, limits), whole, "requests parse the same however their bytes are split")
            }
        }
    }

    /// Small enough that small inputs meet them.
    private static let small = {
        var limits = HTTPLimits()
        limits.requestLineBytesMax = 40
        limits.headerLineBytesMax = 40
        limits.headersBytesMax = 100
        limits.headerFieldsMax = 4
        limits.bodyBytesMax = 24
        return limits
    }()

    private struct Outcome: Equatable {
        var heads: [Head] = []
        var bodies: [[UInt8]] = []
        var violation: HTTPViolation?
        var isIdle = false
    }

    private struct Head: Equatable {
        let method: HTTPMethod
        let path: String
        let query: String?
        let version: HTTPVersion
        let contentLength: Int?
        let flags: [Bool]
        let fieldCount: Int
        let values: [[String]]

        init(_ head: RequestHead) {
            method = head.method
            path = head.path
            query = head.query
            version = head.version
            contentLength = head.contentLength
            flags = [head.isChunked, head.expectsContinue, head.hasBody, head.keepAlive, head.isUpgrade, head.contains("x")]
            fieldCount = head.fieldCount
            values = ["host", "connection", "upgrade", "content-length", "x"].map(head.values)
        }
    }

    private static func outcome(_ input: [UInt8], _ pieces: [Range<Int>], _ limits: HTTPLimits) -> Outcome {
        var parser = RequestParser(limits: limits)
        var outcome = Outcome()
        do throws(HTTPViolation) {
            for piece in pieces { try feed(input.span.extracting(piece), to: &parser, limits, &outcome) }
        } catch {
            outcome.violation = error
            checkIsFinal(error, parser)
        }
        outcome.isIdle = parser.isIdle
        return outcome
    }

    private static func feed(
        _ piece: Span<UInt8>, to parser: inout RequestParser, _ limits: HTTPLimits, _ outcome: inout Outcome
    ) throws(HTTPViolation) {
        var position = 0
        while let element = try parser.next(piece, at: &position) {
            switch element {
            case .head(let head):
                check(head, limits, parser)
                outcome.heads.append(Head(head))
                // A route that takes no more than this, as its connection would lower it.
                if head.path.utf8.count % 3 == 2 { parser.bodyBytesMax = 9 }
            case .body(let body):
                check(body, of: outcome.heads.last, parser.bodyBytesMax)
                outcome.bodies.append(body)
            }
        }
        require(position == piece.count, "all input is consumed where no element is returned")
    }

    private static func check(_ head: RequestHead, _ limits: HTTPLimits, _ parser: RequestParser) {
        let target = head.path + (head.query.map { "?" + $0 } ?? "")
        require(target.utf8.first == UInt8(ascii: "/"), "a target starts with a slash")
        require(target.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "#") }, "a target is visible ASCII")
        require(
            target.utf8.count + head.method.rawValue.utf8.count + 10 <= limits.requestLineBytesMax, "a request line is within its limit")
        require(head.fieldCount <= limits.headerFieldsMax, "there are no more fields than the limit")
        require(!(head.isChunked && head.contentLength != nil), "content has one framing")
        require((head.contentLength ?? 0) <= limits.bodyBytesMax, "a body announces no more than its limit")
        require(head.version == .http10 || head.values("host").count == 1, "there is one Host")
        require(!(head.isUpgrade && head.hasBody), "an upgrade has no body")
        require(!head.expectsContinue || head.hasBody, "only a body is waited for")
        require(parser.isIdle == !head.hasBody, "a request without a body ends with its head")
        for value in head.values("x") {
            require(!value.utf8.contains { $0 < 0x20 && $0 != 0x09 || $0 == 0x7F }, "a value holds no control characters but tabs")
        }
    }

    private static func check(_ body: [UInt8], of head: Head?, _ bytesMax: Int) {
        guard let head else { fatalError("broken rule: a body follows its head") }
        require(body.count <= bytesMax, "a body is within its limit")
        require(head.contentLength.map { $0 == body.count } ?? true, "a body has its announced length")
    }

    private static func checkIsFinal(_ violation: HTTPViolation, _ parser: RequestParser) {
        var parser = parser
        let next = Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
        var position = 0
        var again: HTTPViolation?
        do throws(HTTPViolation) { _ = try parser.next(next.span, at: &position) } catch { again = error }
        requireEqual(again, violation, "a violation is final")
        require(!parser.isIdle, "a failed parser is not idle")
        require(HTTPStatus.all.contains(violation.status) && violation.status.code >= 400, "a violation has an answer")
    }
}

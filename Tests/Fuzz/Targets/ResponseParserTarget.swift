import HTTP

/// Input: pipelined responses. Every third one answers a HEAD.
enum ResponseParserTarget: FuzzTarget {
    static let name = "response_parser"

    static func run(_ input: [UInt8]) {
        for limits in [HTTPLimits(), small] {
            let whole = outcome(input, [0..<input.count], limits)
            for pieces in Pieces.ways(input) {
                requireEqual(outcome(input, pieces, limits), whole, "responses parse the same however their bytes are split")
            }
        }
    }

    private static let small = {
        var limits = HTTPLimits()
        limits.requestLineBytesMax = 24
        limits.headerLineBytesMax = 32
        limits.headersBytesMax = 80
        limits.headerFieldsMax = 3
        limits.bodyBytesMax = 16
        return limits
    }()

    private struct Outcome: Equatable {
        var heads: [Head] = []
        var bodies: [[UInt8]] = []
        var responses = 0
        var violation: HTTPViolation?
        var isIdle = false
    }

    private struct Head: Equatable {
        let status: UInt16
        let version: HTTPVersion
        let contentLength: Int?
        let flags: [Bool]
        let values: [[String]]

        init(_ head: ResponseHead) {
            status = head.status
            version = head.version
            contentLength = head.contentLength
            flags = [head.isChunked, head.hasBody, head.isInterim, head.keepAlive]
            values = ["connection", "content-length", "retry-after"].map(head.values)
        }
    }

    private static func outcome(_ input: [UInt8], _ pieces: [Range<Int>], _ limits: HTTPLimits) -> Outcome {
        var parser = ResponseParser(limits: limits)
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
        _ piece: Span<UInt8>, to parser: inout ResponseParser, _ limits: HTTPLimits, _ outcome: inout Outcome
    ) throws(HTTPViolation) {
        var position = 0
        while let element = try parser.next(piece, at: &position) {
            switch element {
            case .head(let head):
                require((100...599).contains(head.status), "a status is 100 to 599")
                require(!head.hasBody || head.status >= 200, "an interim response has no body")
                require(!head.hasBody || (head.contentLength ?? 0) <= limits.bodyBytesMax, "a body announces no more than its limit")
                require(!(head.isChunked && head.contentLength != nil), "content has one framing")
                outcome.heads.append(Head(head))
                if !head.isInterim && !head.hasBody { next(&parser, &outcome) }
            case .body(let body):
                require(body.count <= limits.bodyBytesMax, "a body is within its limit")
                require(outcome.heads.last?.contentLength.map { $0 == body.count } ?? true, "a body has its announced length")
                outcome.bodies.append(body)
                next(&parser, &outcome)
            }
        }
        require(position == piece.count, "all input is consumed where no element is returned")
    }

    private static func next(_ parser: inout ResponseParser, _ outcome: inout Outcome) {
        outcome.responses += 1
        parser.answersHead = outcome.responses % 3 == 2
    }

    private static func checkIsFinal(_ violation: HTTPViolation, _ parser: ResponseParser) {
        var parser = parser
        let next = Array("HTTP/1.1 204 No Content\r\n\r\n".utf8)
        var position = 0
        var again: HTTPViolation?
        do throws(HTTPViolation) { _ = try parser.next(next.span, at: &position) } catch { again = error }
        requireEqual(again, violation, "a violation is final")
    }
}

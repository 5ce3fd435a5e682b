/// Parses responses for our own clients (load, watch, publish): the same rules and limits as for requests.
/// A response must tell its length; content that only the end of the connection ends is refused.
package struct ResponseParser {
    private enum State {
        case head
        /// `content` is under way.
        case content
        case failed(HTTPViolation)
    }

    private let limits: HTTPLimits
    private var reader: HeadReader<ResponseRules>
    private var state = State.head
    /// Not a payload of the state: taking it out and putting it back would copy the whole body with every read where nothing is optimized.
    private var content = ContentDecoder(ContentFraming())

    /// The next response answers a HEAD: it has no body whatever it announces (RFC 9112 §6.3). Reset by that response's head.
    package var answersHead = false

    package init(limits: HTTPLimits = HTTPLimits()) {
        self.limits = limits
        reader = HeadReader(limits: limits)
    }

    /// No byte of a next response was seen.
    package var isIdle: Bool {
        if case .head = state { reader.isIdle } else { false }
    }

    /// The next element; nil when all of `input` is consumed and more is needed.
    /// After a 101, `position` stands on the first byte of the frames.
    package mutating func next(
        _ input: Span<UInt8>, at position: inout Int
    ) throws(HTTPViolation) -> ResponseElement? {
        precondition((0...input.count).contains(position), "the position is within the input")
        do throws(HTTPViolation) {
            switch state {
            case .head: return try nextHead(input, at: &position)
            case .content: return try nextBody(input, at: &position)
            case .failed(let violation): throw violation
            }
        } catch {
            state = .failed(error)
            throw error
        }
    }

    private mutating func nextHead(
        _ input: Span<UInt8>, at position: inout Int
    ) throws(HTTPViolation) -> ResponseElement? {
        guard let (rules, fields) = try reader.next(input, at: &position) else { return nil }
        let allowsContent = rules.allowsContent && !answersHead
        if allowsContent {
            guard rules.framing.isChunked || rules.framing.contentLength != nil else { throw .responseLengthUnknown }
            if let length = rules.framing.contentLength, length > limits.bodyBytesMax { throw .bodyTooLarge }
        }
        let head = ResponseHead(rules, fields, hasBody: allowsContent && rules.framing.hasContent)
        if head.hasBody {
            content = ContentDecoder(rules.framing)
            state = .content
        }
        if !head.isInterim { answersHead = false }
        return .head(head)
    }

    private mutating func nextBody(
        _ input: Span<UInt8>, at position: inout Int
    ) throws(HTTPViolation) -> ResponseElement? {
        guard let body = try content.next(input, at: &position, bytesMax: limits.bodyBytesMax) else { return nil }
        state = .head
        return .body(body)
    }
}

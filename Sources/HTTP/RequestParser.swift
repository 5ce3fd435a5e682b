/// Parses pipelined requests from bytes that arrive in any pieces (RFC 9112, stricter). Never traps on what a peer sends.
///
/// Flow: TCPStream → **RequestParser** → routes, WebSocket handshake
package struct RequestParser {
    private enum State {
        case head
        /// `content` is under way.
        case content
        /// Where the next message would start is unknown, for good.
        case failed(HTTPViolation)
    }

    private let limits: HTTPLimits
    private var reader: HeadReader<RequestRules>
    private var state = State.head
    /// Not a payload of the state: taking it out and putting it back would copy the whole body with every read where nothing is optimized.
    private var content = ContentDecoder(ContentFraming())

    /// How long the current request's body may be. A head that announces more than the limits allow is refused itself; after a head,
    /// the caller may lower this for that request's body, to 0 even. Never above `limits.bodyBytesMax`, which each new head restores.
    package var bodyBytesMax: Int {
        get { currentBodyBytesMax }
        set { currentBodyBytesMax = min(max(newValue, 0), limits.bodyBytesMax) }
    }
    private var currentBodyBytesMax: Int

    /// The method of the request that broke a rule, where that was known by then: an answer to HEAD has no content even so (RFC 9110 §9.3.2).
    package private(set) var brokenMethod: HTTPMethod?

    package init(limits: HTTPLimits = HTTPLimits()) {
        self.limits = limits
        reader = HeadReader(limits: limits)
        currentBodyBytesMax = limits.bodyBytesMax
    }

    /// No byte of a next request was seen: the connection may be closed, or wait, without harm.
    package private(set) var isIdle = true

    /// The next element; nil when all of `input` is consumed and more is needed. Advances `position`, which after an upgrade's head
    /// stands on the first byte of the frames. A violation is final: every later call throws it again.
    package mutating func next(
        _ input: Span<UInt8>, at position: inout Int
    ) throws(HTTPViolation) -> RequestElement? {
        precondition((0...input.count).contains(position), "the position is within the input")
        defer { isIdle = if case .head = state { reader.isIdle } else { false } }
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
    ) throws(HTTPViolation) -> RequestElement? {
        do throws(HTTPViolation) {
            return try nextHeadChecked(input, at: &position)
        } catch {
            brokenMethod = brokenMethod ?? reader.rules?.line.method
            throw error
        }
    }

    private mutating func nextHeadChecked(
        _ input: Span<UInt8>, at position: inout Int
    ) throws(HTTPViolation) -> RequestElement? {
        guard let (rules, fields) = try reader.next(input, at: &position) else { return nil }
        brokenMethod = rules.line.method
        try rules.checkWhole(bodyBytesMax: limits.bodyBytesMax)
        brokenMethod = nil
        currentBodyBytesMax = limits.bodyBytesMax
        if rules.framing.hasContent {
            content = ContentDecoder(rules.framing)
            state = .content
        }
        return .head(RequestHead(rules, fields))
    }

    private mutating func nextBody(
        _ input: Span<UInt8>, at position: inout Int
    ) throws(HTTPViolation) -> RequestElement? {
        guard let body = try content.next(input, at: &position, bytesMax: currentBodyBytesMax) else { return nil }
        state = .head
        return .body(body)
    }
}

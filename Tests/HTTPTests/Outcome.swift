import HTTP

/// What a parser made of some input, comparable between two ways of splitting it.
struct Outcome: Equatable, CustomStringConvertible {
    var elements: [String] = []
    var violation: HTTPViolation?
    /// Where in the input the parser stood then: the same however it was split.
    var violationOffset: Int?
    /// Bytes left after the last element, as frames after an upgrade are.
    var rest: [UInt8] = []

    var description: String { "\(elements) \(violation.map { "violation: \($0)" } ?? "") rest: \(rest.count)" }
}

extension Outcome {
    /// Feeds `pieces` to a fresh request parser, and stops at an upgrade as a connection would.
    static func ofRequests(_ pieces: [[UInt8]], limits: HTTPLimits = HTTPLimits()) -> Outcome {
        var outcome = Outcome()
        var parser = RequestParser(limits: limits)
        var isUpgraded = false
        var start = 0
        for piece in pieces {
            var position = 0
            defer { start += piece.count }
            do {
                while !isUpgraded, let element = try parser.next(piece.span, at: &position) {
                    outcome.elements.append(element.text)
                    if case .head(let head) = element { isUpgraded = head.isUpgrade }
                }
            } catch {
                outcome.violation = error
                outcome.violationOffset = start + position
                return outcome
            }
            outcome.rest += piece[position...]
        }
        return outcome
    }

    static func ofResponses(_ pieces: [[UInt8]], limits: HTTPLimits = HTTPLimits(), answersHead: Bool = false) -> Outcome {
        var outcome = Outcome()
        var parser = ResponseParser(limits: limits)
        parser.answersHead = answersHead
        var isUpgraded = false
        var start = 0
        for piece in pieces {
            var position = 0
            defer { start += piece.count }
            do {
                while !isUpgraded, let element = try parser.next(piece.span, at: &position) {
                    outcome.elements.append(element.text)
                    if case .head(let head) = element { isUpgraded = head.status == 101 }
                }
            } catch {
                outcome.violation = error
                outcome.violationOffset = start + position
                return outcome
            }
            outcome.rest += piece[position...]
        }
        return outcome
    }
}

extension RequestElement {
    var text: String {
        switch self {
        case .head(let head):
            "\(head.method) \(head.path) ?\(head.query ?? "nil") \(head.version) \(head.fieldCount) fields, host \(head.values("host")), "
                + "x \(head.values("x")), length \(head.contentLength ?? -1), chunked \(head.isChunked), expects \(head.expectsContinue)"
        case .body(let body): "body \(body.count) \(body.reduce(0) { ($0 &* 31) &+ Int($1) })"
        }
    }
}

extension ResponseElement {
    var text: String {
        switch self {
        case .head(let head):
            "\(head.status) \(head.version) x \(head.values("x")), length \(head.contentLength ?? -1), body \(head.hasBody)"
        case .body(let body): "body \(body.count) \(body.reduce(0) { ($0 &* 31) &+ Int($1) })"
        }
    }
}

extension RequestParser {
    /// Every element that `text` completes.
    mutating func receive(_ text: String) throws(HTTPViolation) -> [String] {
        let bytes = [UInt8](text.utf8)
        var position = 0
        var elements: [String] = []
        while let element = try next(bytes.span, at: &position) { elements.append(element.text) }
        return elements
    }

    /// The head of the first request of `text`.
    static func head(_ text: String) throws(HTTPViolation) -> RequestHead? {
        let bytes = [UInt8](text.utf8)
        var parser = RequestParser()
        var position = 0
        guard case .head(let head)? = try parser.next(bytes.span, at: &position) else { return nil }
        return head
    }
}

import Foundation

@testable import HTTP

/// What a parser made of the bytes of one connection, ours or llhttp's. Text is Latin-1.
struct Reading: Equatable, Decodable {
    struct Message: Equatable, Decodable {
        var method: String
        var target: String
        var version: String
        /// Names and values by turns, in order.
        var fields: [String]
        var trailers: [String] = []
        var upgrade: Bool
        var keepAlive: Bool
        /// In Base64; nil while it is not complete, as is `end`.
        var body: String?
        /// Offset of the first byte after the message.
        var end: Int?
    }

    var messages: [Message] = []
    /// Why the parser reads no further.
    var error: String?
}

extension Reading.Message: CustomStringConvertible {
    var description: String {
        "\(method) \(target.debugDescription) \(version), fields \(fields), keepAlive \(keepAlive), upgrade \(upgrade), "
            + "body \(body ?? "incomplete"), end \(end.map(String.init) ?? "none"), trailers \(trailers)"
    }
}

extension Reading: CustomStringConvertible {
    var description: String { "\(messages.map { "\n    " + $0.description }.joined())\n    then \(error ?? "no error")" }
}

extension Reading {
    /// By our parser, from bytes that come in pieces. Ends where a connection would stop looking: after an upgrade, and after a message that
    /// is the last.
    static func ours(_ pieces: [[UInt8]]) -> Reading {
        var reading = Reading()
        var parser = RequestParser()
        var start = 0
        for piece in pieces {
            var position = 0
            do {
                while let element = try parser.next(piece.span, at: &position) {
                    reading.receive(element, end: start + position)
                    if reading.isOver { return reading }
                }
            } catch {
                reading.error = "\(error)"
                return reading
            }
            start += piece.count
        }
        return reading
    }

    private mutating func receive(_ element: RequestElement, end: Int) {
        switch element {
        case .head(let head):
            var message = Message(head)
            if !head.hasBody { (message.body, message.end) = ("", end) }
            messages.append(message)
        case .body(let body):
            messages[messages.count - 1].body = Data(body).base64EncodedString()
            messages[messages.count - 1].end = end
        }
    }

    private var isOver: Bool {
        guard let last = messages.last, last.end != nil else { return false }
        return last.upgrade || !last.keepAlive
    }
}

extension Reading.Message {
    init(_ head: RequestHead) {
        // Routes ask a head for fields by name; all of them in order, as bytes, are only inside.
        guard let section = Mirror(reflecting: head).descendant("fields") as? FieldSection else {
            preconditionFailure("a head has its fields")
        }
        method = head.method.rawValue
        target = head.path + (head.query.map { "?" + $0 } ?? "")
        version = head.version.rawValue
        fields = section.lines.flatMap { [String(latin1: section.bytes[$0.name]), String(latin1: section.bytes[$0.value])] }
        upgrade = head.isUpgrade
        keepAlive = head.keepAlive
    }
}

/// Why nothing of a publish was accepted, and where the first error is.
public struct InvalidEvent: Error, Sendable, Equatable, CustomStringConvertible {
    /// The `code` of the answer's error object.
    public var code: String { kind.rawValue }

    /// The HTTP status that answers it: 413 where only size is wrong, else 400.
    public var status: UInt16 {
        switch kind {
        case .eventTooLarge, .batchTooLarge: 413
        case .invalidJSON, .invalidEvent, .reservedType, .emptyBatch: 400
        }
    }

    /// The value in question: `[3].data.price` in an array, `line 4: data.price` in NDJSON, empty for the body itself.
    public let place: String

    /// The byte of the body in question, from 0; the body's length when it ended too early.
    public let offset: Int

    /// The rule that was broken, in words for people.
    public let reason: String

    let kind: Code

    enum Code: String, Sendable {
        case invalidJSON = "INVALID_JSON"
        case invalidEvent = "INVALID_EVENT"
        case reservedType = "RESERVED_TYPE"
        case emptyBatch = "EMPTY_BATCH"
        case eventTooLarge = "EVENT_TOO_LARGE"
        case batchTooLarge = "BATCH_TOO_LARGE"
    }

    /// All of it in one sentence: `invalid JSON at [3].data.price (byte 123): a value is expected`.
    public var message: String {
        let what =
            switch kind {
            case .invalidJSON: "invalid JSON"
            case .invalidEvent: "invalid event"
            case .reservedType: "reserved type"
            case .emptyBatch: "empty batch"
            case .eventTooLarge: "event too large"
            case .batchTooLarge: "batch too large"
            }
        return place.isEmpty ? "\(what) at byte \(offset): \(reason)" : "\(what) at \(place) (byte \(offset)): \(reason)"
    }

    public var description: String { message }
}

extension InvalidEvent {
    init(_ fault: EventFault, in body: Span<UInt8>, format: PublishFormat) {
        let start: Int
        let line: String
        switch fault {
        case .syntax(let fault):
            (start, line) = Self.line(of: fault.offset, in: body, format)
            place = Self.place(line, JSONPlace.path(in: body, from: start, to: fault.offset))
            offset = fault.offset
            reason = fault.reason.description
            kind = .invalidJSON
        case .rule(let rule, let offset, let key):
            (start, line) = Self.line(of: offset, in: body, format)
            var path = JSONPlace.path(in: body, from: start, to: offset)
            if let key { JSONPlace.append(key: key, of: body, to: &path) }
            place = Self.place(line, path)
            self.offset = offset
            reason = rule.reason
            kind = rule.code
        }
    }

    /// Where the text that holds `offset` begins, and what to call it. Lines count from 1, blank ones included, as editors do.
    private static func line(of offset: Int, in body: Span<UInt8>, _ format: PublishFormat) -> (start: Int, name: String) {
        guard format == .ndjson else { return (0, "") }
        var start = 0
        var number = 1
        for index in 0..<min(offset, body.count) where body[index] == UInt8(ascii: "\n") {
            start = index + 1
            number += 1
        }
        return (start, "line \(number)")
    }

    private static func place(_ line: String, _ path: String) -> String {
        line.isEmpty || path.isEmpty ? line + path : "\(line): \(path)"
    }
}

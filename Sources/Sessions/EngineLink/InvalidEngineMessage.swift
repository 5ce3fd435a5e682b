/// Why a message of an engine is refused; nothing of it was done.
package struct InvalidEngineMessage: Error, Sendable, Equatable {
    /// As in the engine API's answers.
    package let code: String
    /// In words for people.
    package let message: String
    /// Where in the message's bytes; nil where it is the whole.
    package let place: (place: String, offset: Int, reason: String)?
    /// Of the message, to be repeated in the answer; nil where it has none.
    package let ref: Range<Int>?

    package static func == (left: InvalidEngineMessage, right: InvalidEngineMessage) -> Bool {
        left.code == right.code && left.message == right.message && left.ref == right.ref
    }

    init(_ fault: EngineMessageFault, in text: Span<UInt8>, ref: Range<Int>?) {
        self.ref = ref
        switch fault {
        case .event(let fault):
            let invalid = InvalidEvent(fault, in: text, format: .json)
            code = invalid.code
            message = invalid.message
            place = (invalid.place, invalid.offset, invalid.reason)
        case .session(let error):
            code = "INVALID_SESSION_ID"
            message = error.description
            place = nil
        case .rule(let rule):
            code = "INVALID_MESSAGE"
            message = rule.message
            place = nil
        }
    }
}

/// As the reader finds it.
enum EngineMessageFault: Error {
    /// Also of the text around the event: it is not JSON.
    case event(EventFault)
    case session(SessionIDError)
    case rule(EngineMessageRule)
}

/// One case per rule of the link, as docs/PROTOCOL.md lists them.
enum EngineMessageRule: Sendable, Equatable {
    case isObject
    case memberIsKnown
    case memberStandsOnce(String)
    case opIsKnown
    case memberIsMissing(String)
    case memberBelongsNotHere(String)
    case memberIs(String, String)

    var message: String {
        switch self {
        case .isObject: "a message is a JSON object"
        case .memberIsKnown: "there is a member that the link does not know; docs/PROTOCOL.md lists them"
        case .memberStandsOnce(let name): "\(name) stands twice"
        case .opIsKnown: "op is publish, serve, release or reply"
        case .memberIsMissing(let name): "\(name) is missing"
        case .memberBelongsNotHere(let name): "\(name) does not belong to this op"
        case .memberIs(let name, let rule): "\(name) is \(rule)"
        }
    }
}

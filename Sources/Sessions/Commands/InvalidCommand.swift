/// Why a client's message is no command: the client's fault, answered with an `error` event.
package enum InvalidCommand: Error, Sendable, Equatable {
    case tooLong
    case notJSON(InvalidJSON)
    case notAnObject
    case noAction
    case malformedAction
    case malformedRef
    case memberTwice(String)

    /// The `error_code` of the answer.
    package var code: String {
        switch self {
        case .tooLong, .notJSON, .notAnObject: "INVALID_MESSAGE"
        case .noAction, .malformedAction, .malformedRef, .memberTwice: "INVALID_COMMAND"
        }
    }

    /// What is wrong, in words for people.
    package var message: String {
        switch self {
        case .tooLong: "a message has at most \(ClientCommand.messageBytesMax) bytes"
        case .notJSON(let error): error.description
        case .notAnObject: "a message is a JSON object"
        case .noAction: "a command has an action"
        case .malformedAction: "an action is a string of 1 to \(ClientCommand.actionBytesMax) bytes"
        case .malformedRef: "a ref is a string of 1 to \(ClientCommand.refBytesMax) bytes"
        case .memberTwice(let name): "\(name) stands twice"
        }
    }
}

internal import EventLoop
internal import Sessions

/// One command on its way: who asks, and for what. Immutable; an object, so that it travels as a reference.
///
/// Flow: ClientCommands → **CommandRequest** → CommandDesk at the session's home → the engine
final class CommandRequest: Sendable {
    let session: SessionID
    /// Where its answer goes.
    let worker: Int
    let connection: ConnectionRef
    let connectionID: ConnectionID
    let address: SocketAddress
    /// Whose token the connection has; nil: anonymous.
    let subject: String?
    let action: String
    let ref: String?
    /// The client's object as it came.
    let payload: [UInt8]
    /// Monotonic nanoseconds, when it had been read.
    let askedAt: UInt64

    init(
        session: SessionID, worker: Int, connection: ConnectionRef, connectionID: ConnectionID, address: SocketAddress, subject: String?,
        action: String, ref: String?, payload: [UInt8], askedAt: UInt64
    ) {
        self.session = session
        self.worker = worker
        self.connection = connection
        self.connectionID = connectionID
        self.address = address
        self.subject = subject
        self.action = action
        self.ref = ref
        self.payload = payload
        self.askedAt = askedAt
    }

    /// Tells a command that comes again from another one under its name. Of this process only.
    var digest: Int {
        var hasher = Hasher()
        hasher.combine(action)
        unsafe payload.withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
        return hasher.finalize()
    }
}

/// How a command ended: the metric's label, and in capitals the `error_code`.
enum CommandResult: String, CaseIterable, Sendable {
    case acknowledged
    case unknownCommand = "unknown_command"
    case commandFailed = "command_failed"
    case invalidCommand = "invalid_command"
    case forbidden
    case rateLimited = "rate_limited"
    case noEngine = "no_engine"
    case commandTimeout = "command_timeout"

    var index: Int { Self.allCases.firstIndex(of: self)! }

    var errorCode: String { rawValue.uppercased() }

    init(_ code: EngineMessage.FailureCode) {
        self =
            switch code {
            case .commandFailed: .commandFailed
            case .unknownCommand: .unknownCommand
            case .invalidCommand: .invalidCommand
            case .forbidden: .forbidden
            }
    }
}

/// The one answer to a command.
struct CommandAnswer: Sendable, Equatable {
    let result: CommandResult
    /// In words for people; empty where it is acknowledged.
    var message = ""
    /// What the engine adds: an object's members as JSON, without the braces.
    var members: [UInt8] = []

    static let noEngine = CommandAnswer(result: .noEngine, message: "no engine serves this session")
    static let engineLost = CommandAnswer(
        result: .noEngine, message: "the link to the session's engine was lost; the command may have been carried out")
    static let timeout = CommandAnswer(
        result: .commandTimeout, message: "the session's engine did not answer in time; the command may have been carried out")
    static let tooMany = CommandAnswer(
        result: .rateLimited, message: "too many commands of this session have no answer yet; not carried out")
    static let tooManyInFlight = CommandAnswer(
        result: .rateLimited, message: "too many commands of this connection have no answer yet; not carried out")
    static let engineBusy = CommandAnswer(result: .rateLimited, message: "the session's engine does not keep up; not carried out")
    static let refReused = CommandAnswer(result: .invalidCommand, message: "this ref was used for another command; not carried out")

    init(result: CommandResult, message: String = "", members: [UInt8] = []) {
        self.result = result
        self.message = message
        self.members = members
    }

    init(_ outcome: EngineMessage.Reply.Outcome) {
        switch outcome {
        case .done(let members): self.init(result: .acknowledged, members: members)
        case .failed(let code, let message, let members): self.init(result: CommandResult(code), message: message, members: members)
        }
    }
}

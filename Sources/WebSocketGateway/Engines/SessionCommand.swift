internal import EventLoop
public import Sessions

/// A client's command, as a handler of this process gets it.
public struct SessionCommand: Sendable {
    public let sessionID: String
    /// Who asks.
    public let connectionID: ConnectionID
    /// Whose token the connection has; nil: anonymous.
    public let subject: String?
    /// 1 to 64 bytes, ASCII letters in lower case: `pause`, `resume`, `stop`, or any other.
    public let action: String
    /// The client's whole object, `action` and `ref` included.
    public let payload: JSONObject
}

/// A handler's answer to a command; each has exactly one.
public enum CommandReply: Sendable {
    /// Carried out: the client gets `command_ack` with these members behind `action` and `ref`, which they cannot replace.
    case done(JSONObject = [:])
    /// There is no such command: `UNKNOWN_COMMAND`.
    case unknown(String = "there is no such command")
    /// Not carried out: `COMMAND_FAILED`.
    case failed(String)
}

extension CommandAnswer {
    init(_ reply: CommandReply) {
        switch reply {
        case .done(let data): self.init(result: .acknowledged, members: Self.members(of: data))
        case .unknown(let message): self.init(result: .unknownCommand, message: message)
        case .failed(let message): self.init(result: .commandFailed, message: message)
        }
    }

    private static func members(of data: JSONObject) -> [UInt8] {
        var own = data
        own["action"] = nil
        own["ref"] = nil
        var bytes: [UInt8] = []
        own.appendEncoded(to: &bytes)
        return Array(bytes.dropFirst().dropLast())
    }
}

/// A handler that serves a session from within this process. Its commands are handled one after another.
///
/// Flow: CommandDesk → **EngineProgram** → handler → CommandDesk
final class EngineProgram: Sendable {
    let number = UInt64.random(in: 0...UInt64.max)
    private let waiting: AsyncStream<(CommandRequest, CommandID)>.Continuation

    init(_ board: Switchboard, _ handler: @escaping @Sendable (SessionCommand) async -> CommandReply) {
        let (commands, continuation) = AsyncStream<(CommandRequest, CommandID)>.makeStream()
        waiting = continuation
        let number = number
        Task {
            for await (request, id) in commands {
                let text = request.payload
                let payload = (try? JSON.parse(text.span))?.objectValue ?? [:]
                let command = SessionCommand(
                    sessionID: request.session.description, connectionID: request.connectionID, subject: request.subject,
                    action: request.action, payload: payload)
                let answer = CommandAnswer(await handler(command))
                board.mailboxes[id.worker].post(.engine(.reply(id, .program(number), answer)))
            }
        }
    }

    func receive(_ request: CommandRequest, _ id: CommandID) { waiting.yield((request, id)) }

    /// No further command comes; those that came are handled.
    func end() { waiting.finish() }
}

/// That a handler serves a session, until it is released, replaced, or the session or the gateway ends.
public struct ServedSession: Sendable {
    let board: Switchboard
    let session: SessionID
    let engine: EngineID

    /// The handler gets no further command; those it has may still be answered.
    public func release() async {
        let (session, engine) = (session, engine)
        _ = await board.ask(board.home(of: session)) { $0.desk.release(session, by: engine) }
    }
}

extension WebSocketManager {
    /// Answers the session's commands (`pause`, `resume`, `stop` and others) from now on, in place of whoever did: the last claim wins.
    ///
    ///     let served = try await manager.serve("backtest-1") { command in
    ///         command.action == "stop" ? .done(["close_position": true]) : .unknown()
    ///     }
    ///
    /// The handler is called for one command after another, in their order. One that takes longer than the command's deadline is still heard to its
    /// end; the client has `COMMAND_TIMEOUT` by then.
    /// - Throws: ``SessionIDError``, ``PublishRefusal``.
    @discardableResult
    public func serve(_ sessionID: String, _ handler: @escaping @Sendable (SessionCommand) async -> CommandReply) async throws
        -> ServedSession
    {
        let session = try SessionID(sessionID)
        let program = EngineProgram(board, handler)
        switch await board.ask(board.home(of: session), { $0.desk.serve(session, by: program) }) {
        case true?: return ServedSession(board: board, session: session, engine: .program(program.number))
        case false?:
            program.end()
            throw PublishRefusal.tooManySessions
        case nil:
            program.end()
            throw PublishRefusal.gatewayStopped
        }
    }
}

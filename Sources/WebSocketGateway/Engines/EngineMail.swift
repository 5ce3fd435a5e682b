internal import Sessions

/// Who answers a session's commands.
enum EngineID: Sendable, Hashable {
    /// An engine's link, on a worker.
    case link(worker: Int, ConnectionRef)
    /// A handler within this process.
    case program(UInt64)
}

/// What crosses between workers about engines and commands. Values only; seldom, so that it may cost an allocation.
enum EngineMail: Sendable {
    // To a session's home:
    case command(CommandRequest)
    case serve(SessionID, EngineID, ref: [UInt8]?)
    case release(SessionID, EngineID, ref: [UInt8]?)
    case reply(CommandID, EngineID, CommandAnswer)
    /// A command found no room on its engine's link.
    case busy(CommandID, EngineID)
    /// The engine is gone, with all its claims.
    case lost(EngineID)

    // From a session's home to its engine's worker: a whole frame, and the command in it.
    case toEngine(ConnectionRef, [UInt8], command: CommandID?)

    // From a session's home to the worker of who asked:
    case answer(CommandRequest, CommandAnswer)
}

internal import EventLoop
internal import Sessions
internal import WebSocket

/// What a client asks for. `ping` is the gateway's to answer, and all that who replays a session asks for; everything else is for the session's engine.
///
/// Flow: ClientConnection → **ClientCommands** → CommandDesk at the session's home
enum ClientCommands {
    /// The first message over the rate in a second is told so, with its action and ref where it is a command.
    static func refuseForRate(_ received: Received, from client: ClientConnection) {
        var details: JSONObject = [:]
        if case .text(let message) = received, let command = try? ClientCommand.parse(message.span) { details = Self.details(command) }
        client.sendOwn(
            OwnMessages.error(
                "RATE_LIMITED", "messages come too fast; not looked at", details: details, now: client.core.wallTime, for: client.transport)
        )
    }

    static func details(_ command: ClientCommand) -> JSONObject {
        ["action": .string(command.action), "ref": command.ref.map { .string($0) } ?? .null]
    }

    static func handle(_ message: [UInt8], from client: ClientConnection) {
        do throws(InvalidCommand) {
            let command = try ClientCommand.parse(message.span)
            if command.action == "ping" { return client.sendHeartbeat(withPing: false) }
            if command.action == "authenticate" { return client.authenticate(command, message) }
            if let replay = client.catchUp?.replay { return ReplayCommands.handle(command, message, replay, from: client) }
            ask(command, message, from: client)
        } catch {
            client.sendOwn(OwnMessages.error(error.code, error.message, details: [:], now: client.core.wallTime, for: client.transport))
        }
    }

    /// Asks the session's home, which answers once.
    private static func ask(_ command: ClientCommand, _ message: [UInt8], from client: ClientConnection) {
        guard let session = client.session else { return }
        let core = client.core
        let request = CommandRequest(
            session: session.id, worker: core.index, connection: client.ref, connectionID: client.id, address: client.address,
            subject: client.identity?.subject, action: command.action, ref: command.ref, payload: message,
            askedAt: Clocks.monotonicNanoseconds)
        // The one place where a client's claims decide about its commands. Who is anonymous is let in for everything.
        guard client.identity?.allows(action: command.action) ?? true else {
            return refuse(request, CommandAnswer(result: .forbidden, message: "this token does not allow \(command.action)"), client)
        }
        guard Int(client.commandsInFlight) < core.plan.settings.commandsInFlightMax else { return refuse(request, .tooManyInFlight, client) }
        // Before its home has it: that may answer within this call.
        client.commandsInFlight += 1
        core.tell(.command(request), to: core.board.home(of: session.id))
    }

    /// No engine, and no home, gets to see it.
    private static func refuse(_ request: CommandRequest, _ answer: CommandAnswer, _ client: ClientConnection) {
        client.core.counters.add(.commands, label: answer.result.index)
        client.core.log.command(request, answer)
        client.tell(answer, to: request)
    }
}

internal import Sessions
internal import WebSocket

/// What a client asks for. `ping` is the gateway's to answer, and all that who replays a session asks for; everything else is an engine's, and no engine can
/// serve a session yet.
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
        let now = client.core.wallTime
        do throws(InvalidCommand) {
            let command = try ClientCommand.parse(message.span)
            if command.action == "ping" { return client.sendHeartbeat(withPing: false) }
            if command.action == "authenticate" { return client.authenticate(command, message) }
            if let replay = client.catchUp?.replay { return ReplayCommands.handle(command, message, replay, from: client) }
            client.sendOwn(
                OwnMessages.error("NO_ENGINE", "no engine serves this session", details: details(command), now: now, for: client.transport))
        } catch {
            client.sendOwn(OwnMessages.error(error.code, error.message, details: [:], now: now, for: client.transport))
        }
    }
}

internal import Sessions

/// What a client asks for. `ping` is the gateway's to answer; everything else is an engine's, and no engine can serve a session yet.
enum ClientCommands {
    static func handle(_ message: [UInt8], from client: ClientConnection) {
        let now = client.core.wallTime
        do throws(InvalidCommand) {
            let command = try ClientCommand.parse(message.span)
            if command.action == "ping" { return client.sendHeartbeat(withPing: false) }
            client.sendOwn(
                OwnMessages.error(
                    "NO_ENGINE", "no engine serves this session",
                    details: ["action": .string(command.action), "ref": command.ref.map { .string($0) } ?? .null], now: now))
        } catch {
            client.sendOwn(OwnMessages.error(error.code, error.message, details: [:], now: now))
        }
    }
}

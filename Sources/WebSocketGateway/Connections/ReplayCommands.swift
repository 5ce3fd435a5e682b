internal import Sessions

/// What the viewer of a recorded session may ask for. Each command is answered once.
///
/// Flow: ClientCommands → **ReplayCommands** → ClientConnection+Replaying
enum ReplayCommands {
    static let noEventThatLate = "no event is of that time or later"

    static func handle(_ command: ClientCommand, _ message: [UInt8], _ replay: Replay, from client: ClientConnection) {
        let now = client.core.now * 1000
        switch command.action {
        case "pause":
            replay.clock.pause(now: now)
            acknowledge(command, replay, to: client)
        case "resume":
            replay.clock.resume(now: now)
            acknowledge(command, replay, to: client)
            client.play()
        case "speed":
            guard let speed = member("speed", of: message)?.stringValue.flatMap({ ReplaySpeed.parse($0) }) else {
                return refuse(command, "INVALID_COMMAND", "speed is \(ReplaySpeed.rule), as a string", from: client)
            }
            replay.clock.change(speed, now: now)
            acknowledge(command, replay, to: client)
            client.play()
        case "seek": seek(command, message, replay, client)
        case "stop":
            acknowledge(command, replay, to: client)
            if client.isOpen { client.closeInOrder(.clientLeft, reason: "replay stopped") }
        default: refuse(command, "UNKNOWN_COMMAND", "a replay knows pause, resume, speed, seek, stop and ping", from: client)
        }
    }

    private static func seek(_ command: ClientCommand, _ message: [UInt8], _ replay: Replay, _ client: ClientConnection) {
        guard let catchUp = client.catchUp else { return }
        let invalid = { refuse(command, "INVALID_COMMAND", $0, from: client) }
        switch (member("id", of: message), member("timestamp", of: message)) {
        case (.string(let text)?, nil):
            guard let id = try? EventID(parsing: text) else { return invalid("id is not an event's id") }
            guard let last = client.session?.lastID, id.epoch == last.epoch, id.sequence <= last.sequence else {
                return invalid("no event of this session has that id")
            }
            client.seek(to: id.sequence, replay, catchUp)
            acknowledge(command, replay, from: id, to: client)
            client.play()
        case (nil, .string(let text)?):
            guard let time = Timestamp.parse(text) else {
                return invalid("timestamp is not an ISO 8601 time, such as 2026-03-15T10:30:00Z")
            }
            guard client.session?.lastID != nil else { return invalid(noEventThatLate) }
            client.seek(Replay.Search(command: command, time: time), replay, catchUp)
        default: invalid("seek needs an id or a timestamp, a string, and not both")
        }
    }

    private static func member(_ name: String, of message: [UInt8]) -> JSON? { (try? JSON.parse(message.span))?[name] }

    /// `from` is the id of the event that comes next, where the command has moved the viewer.
    static func acknowledge(_ command: ClientCommand, _ replay: Replay, from: EventID? = nil, to client: ClientConnection) {
        var data = ClientCommands.details(command)
        data["state"] = .string(replay.clock.isPaused ? "paused" : "playing")
        data["speed"] = .string(replay.clock.speed.description)
        if let from { data["from"] = .string(from.description) }
        client.sendOwn(OwnMessages.message("command_ack", data, at: client.core.wallTime, for: client.transport))
    }

    static func refuse(_ command: ClientCommand, _ code: String, _ message: String, from client: ClientConnection) {
        client.sendOwn(
            OwnMessages.error(code, message, details: ClientCommands.details(command), now: client.core.wallTime, for: client.transport))
    }
}

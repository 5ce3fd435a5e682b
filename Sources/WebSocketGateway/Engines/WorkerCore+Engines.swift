internal import Sessions

/// What goes on between engines, their sessions' homes and clients.
extension WorkerCore {
    /// To a home, or to a connection's worker: directly where that is this one.
    func tell(_ mail: EngineMail, to worker: Int) {
        if worker == index { receive(mail) } else { post(.engine(mail), to: worker) }
    }

    func receive(_ mail: EngineMail) {
        switch mail {
        case .toEngine(let connection, let frame, let command): engine(at: connection)?.send(frame, command: command)
        case .answer(let request, let answer): client(at: request.connection)?.receive(answer, to: request)
        default: desk.receive(mail)
        }
    }

    /// A publish has its answer, which goes to whoever published.
    func published(_ ref: ConnectionRef, _ number: UInt64, _ result: Result<PublishReceipt, PublishRefusal>, isEarly: Bool) {
        if let http = http(at: ref) {
            http.published(number, result, isEarly: isEarly)
        } else {
            engine(at: ref)?.published(number, result)
        }
    }

    func engine(at ref: ConnectionRef) -> EngineConnection? { table[ref] as? EngineConnection }

    /// Clients are gone: engines are told to come back to the next gateway.
    func partFromEngines() {
        for peer in table.all { (peer as? EngineConnection)?.closeForDraining(retryMilliseconds: retryAfterMilliseconds()) }
    }
}

extension ClientConnection {
    /// The one answer to a command that went to the session's home.
    func receive(_ answer: CommandAnswer, to request: CommandRequest) {
        commandsInFlight -= 1
        tell(answer, to: request)
    }

    func tell(_ answer: CommandAnswer, to request: CommandRequest) {
        sendOwn(OwnMessages.answer(answer, to: request, now: core.wallTime, for: transport))
    }
}

extension OwnMessages {
    /// `command_ack` or `error`; the engine's members stand behind action and ref, as it wrote them.
    static func answer(_ answer: CommandAnswer, to request: CommandRequest, now: Timestamp, for transport: Transport) -> [UInt8] {
        var payload: [UInt8] = []
        if answer.result == .acknowledged {
            payload.append(ascii: "{\"type\":\"command_ack\",\"data\":{")
        } else {
            payload.append(ascii: "{\"type\":\"error\",\"data\":{\"error_code\":\"")
            payload.append(text: answer.result.errorCode)
            payload.append(ascii: "\",\"message\":")
            JSONText.appendQuoted(answer.message, to: &payload)
            payload.append(ascii: ",\"details\":{")
        }
        payload.append(ascii: "\"action\":")
        JSONText.appendQuoted(request.action, to: &payload)
        payload.append(ascii: ",\"ref\":")
        if let ref = request.ref { JSONText.appendQuoted(ref, to: &payload) } else { payload.append(ascii: "null") }
        if !answer.members.isEmpty {
            payload.append(UInt8(ascii: ","))
            payload.append(contentsOf: answer.members)
        }
        payload.append(ascii: answer.result == .acknowledged ? "},\"timestamp\":\"" : "}},\"timestamp\":\"")
        payload.append(text: now.iso8601)
        payload.append(ascii: "\"}")
        return transport.message(payload)
    }
}

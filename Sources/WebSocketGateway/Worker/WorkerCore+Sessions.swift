internal import EventLoop
internal import Sessions

/// Publishes and joins on their way to a session's home, and the answers on their way back.
extension WorkerCore {
    func publish(_ request: PublishRequest) {
        let worker = request.session.map(board.home(of:)) ?? index
        if worker == index { return home.publish(request) }
        if !post(.publish(request), to: worker) { answer(request.reply, .failure(.gatewayStopped)) }
    }

    /// A publish is delivered everywhere.
    func complete(_ receipt: Receipt) {
        switch receipt.reply {
        case .broadcastCall(let call): call(receipt.broadcastReceipt)
        case let reply where receipt.refusal != nil: if let refusal = receipt.refusal { answer(reply, .failure(refusal)) }
        case .request(let worker, let connection, _) where receipt.answersEarly:
            if worker == index { http(at: connection)?.publishSettled() } else { post(.settled(connection), to: worker) }
        default:
            if let done = receipt.receipt { answer(receipt.reply, .success(done)) }
        }
    }

    func answer(_ reply: ReplyTo, _ result: Result<PublishReceipt, PublishRefusal>, isEarly: Bool = false) {
        switch reply {
        case .request(let worker, let connection, let number):
            if worker == index {
                published(connection, number, result, isEarly: isEarly)
            } else {
                post(.published(connection, number: number, result, isEarly: isEarly), to: worker)
            }
        case .publishCall(let call): call(result)
        case .nobody: break
        case .broadcastCall(let call): if case .failure(let refusal) = result { call(.refused(refusal)) }
        }
    }

    /// One event, published by a connection of this worker, is delivered everywhere.
    func published(_ connection: ConnectionRef, _ number: UInt64, _ publish: SinglePublish) {
        if let http = http(at: connection) { return http.published(number, publish) }
        published(connection, number, .success(publish.receipt), isEarly: false)
    }

    /// The home's answer; nil where it is another worker's, which sends it.
    func join(_ request: JoinRequest) -> JoinAnswer? {
        let worker = board.home(of: request.session)
        if worker == index { return home.join(request) }
        post(.join(request), to: worker)
        return nil
    }

    func joined(_ request: JoinRequest, _ answer: JoinAnswer) {
        if let waiting = http(at: request.connection) { return waiting.joined(request, answer) }
        // It left while its home was asked.
        if case .admitted(let incarnation, _, _, _, _) = answer { left(request, incarnation) }
    }

    func tell(_ session: LocalSession, hasBehind: Bool) {
        let worker = board.home(of: session.id)
        if worker == index {
            home.note(session.id, session.incarnation, index, hasBehind: hasBehind)
        } else {
            post(.hasBehind(session.id, incarnation: session.incarnation, worker: index, hasBehind), to: worker)
        }
    }
}

import EventLoop
import Sessions

/// Publishes to some of a run's sessions in turn over one connection, with so many events on their way, no faster than the rate.
///
/// Flow: **LoadPublisher** → ControlConnection or NATSConnection → receipts → LoadRun
final class LoadPublisher: ControlConnectionHandler, NATSConnectionHandler {
    private unowned let run: LoadRun
    private let sessions: [LoadSession]
    private var channel: (any PublishChannel)?
    /// Whose events are on their way, oldest first.
    private var awaited: ArraySlice<(session: LoadSession, sequence: UInt64)> = []
    private var published: UInt64 = 0
    private var startedAt: UInt64?
    private var timer: LoopTimer?
    private let eventsMax: UInt64

    init(_ run: LoadRun, _ loop: EventLoop, _ sessions: [LoadSession]) throws(SystemError) {
        self.run = run
        self.sessions = sessions
        eventsMax = UInt64(run.plan.events * sessions.count)
        switch run.plan.dialect {
        case .gateway, .nchan: channel = try ControlConnection(loop, to: run.plan.control, key: run.plan.key, handler: self)
        case .nats: channel = try NATSConnection(loop, to: run.plan.control, handler: self)
        }
        if run.plan.rate != nil { timer = LoopTimer(loop) { [unowned self] in pump() } }
    }

    var isDone: Bool { published == eventsMax && awaited.isEmpty }
    var isOpen: Bool { channel?.isOpen ?? false }

    func begin() {
        startedAt = Clocks.monotonicNanoseconds
        timer?.start(delay: 1, every: 1)
        pump()
    }

    func close() {
        channel?.close()
        channel = nil
        timer?.close()
        timer = nil
    }

    private func pump() {
        guard let startedAt, let channel else { return }
        var due = eventsMax
        if let rate = run.plan.rate {
            let seconds = Double(Clocks.monotonicNanoseconds - startedAt) / 1e9
            due = min(due, UInt64(seconds * rate * Double(sessions.count)) + 1)
        }
        while published < due, awaited.count < run.plan.inFlight {
            let session = sessions[Int(published % UInt64(sessions.count))]
            published += 1
            session.published += 1
            awaited.append((session, session.published))
            channel.publish(event(session), to: session.id)
        }
        channel.flush()
    }

    /// The newest one of a session, sent now.
    private func event(_ session: LoadSession) -> [UInt8] {
        let (plan, now) = (run.plan, Clocks.monotonicNanoseconds)
        guard plan.dialect.publishesWholeEvents else { return plan.event.body(sequence: session.published, sentAt: now) }
        let timestamp = Timestamp(microsecondsSince1970: Clocks.wallMicroseconds)
        return plan.event.message(epoch: session.epoch, sequence: session.published, sentAt: now, timestamp: timestamp)
    }

    private func acknowledge(receipt: [UInt8]) {
        guard let (session, sequence) = awaited.popFirst() else { return }
        run.didPublish(session, sequence, receipt: receipt)
        pump()
    }

    private func end(_ ending: ControlConnection.Ending) {
        channel = nil
        switch ending {
        case .cannotConnect(let error): run.publishFailed(run.plan.control.explain(error))
        case .cannotSeal(let failure): run.publishFailed(run.plan.control.explain(failure))
        case .refused(let refusal):
            let flag = refusal.flagToRaise(connections: 0, perSession: 0).map { "; raise \($0) of serve" } ?? ""
            run.publishFailed("\(run.plan.control) refused: \(refusal.text)\(flag)")
        case .lost(let reason): run.publishFailed("\(run.plan.control): \(reason)")
        }
    }

    // MARK: ControlConnectionHandler

    func connectionDidOpen(_ connection: ControlConnection) { run.publisherDidOpen() }

    func connection(_ connection: ControlConnection, didAnswer status: UInt16, body: [UInt8]) {
        let isTaken = run.plan.dialect.hasReceipts ? status == 200 : (200..<300).contains(status)
        if !isTaken, let (session, sequence) = awaited.first {
            return run.publishFailed("event \(sequence) to \(session.id) was refused: \(GatewayRefusal(status: status, body: body).text)")
        }
        acknowledge(receipt: body)
    }

    func connection(_ connection: ControlConnection, didEnd ending: ControlConnection.Ending) { end(ending) }

    // MARK: NATSConnectionHandler

    func connectionDidOpen(_ connection: NATSConnection) { run.publisherDidOpen() }

    func connectionDidAcknowledge(_ connection: NATSConnection) { acknowledge(receipt: []) }

    func connection(_ connection: NATSConnection, didEnd ending: ControlConnection.Ending) { end(ending) }
}

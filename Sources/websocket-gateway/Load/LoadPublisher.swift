import EventLoop
import Sessions

/// Publishes to some of a run's sessions in turn over one control connection, with so many requests on their way, no faster than the rate.
///
/// Flow: **LoadPublisher** → ControlConnection → receipts → LoadRun
final class LoadPublisher: ControlConnectionHandler {
    private unowned let run: LoadRun
    private let sessions: [LoadSession]
    private var connection: ControlConnection?
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
        connection = try ControlConnection(loop, to: run.plan.control, handler: self)
        if run.plan.rate != nil { timer = LoopTimer(loop) { [unowned self] in pump() } }
    }

    var isDone: Bool { published == eventsMax && awaited.isEmpty }
    var isOpen: Bool { connection?.isOpen ?? false }

    func begin() {
        startedAt = Clocks.monotonicNanoseconds
        timer?.start(delay: 1, every: 1)
        pump()
    }

    func close() {
        connection?.close()
        connection = nil
        timer?.close()
        timer = nil
    }

    private func pump() {
        guard let startedAt, let connection else { return }
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
            let body = run.plan.event.body(sequence: session.published, sentAt: Clocks.monotonicNanoseconds)
            connection.publish(body, to: session.id, contentType: "application/json")
        }
        connection.flush()
    }

    // MARK: ControlConnectionHandler

    func connectionDidOpen(_ connection: ControlConnection) { run.publisherDidOpen() }

    func connection(_ connection: ControlConnection, didAnswer status: UInt16, body: [UInt8]) {
        guard let (session, sequence) = awaited.popFirst() else { return }
        guard status == 200 else {
            return run.publishFailed("event \(sequence) to \(session.id) was refused: \(GatewayRefusal(status: status, body: body).text)")
        }
        run.didPublish(session, sequence, receipt: body)
        pump()
    }

    func connection(_ connection: ControlConnection, didEnd ending: ControlConnection.Ending) {
        self.connection = nil
        switch ending {
        case .cannotConnect(let error): run.publishFailed(TargetAddress.explain(error, run.plan.control))
        case .refused(let refusal):
            let flag = refusal.flagToRaise(connections: 0, perSession: 0).map { "; raise \($0) of serve" } ?? ""
            run.publishFailed("\(run.plan.control) refused: \(refusal.text)\(flag)")
        case .lost(let reason): run.publishFailed("\(run.plan.control): \(reason)")
        }
    }
}

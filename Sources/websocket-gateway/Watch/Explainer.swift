import EventLoop
import WebSocketGateway

/// Asks the control listener what became of the connection that is watched: a little after something was left out or lost, and once when it ends.
///
/// Flow: WatchRun → **Explainer** → ControlConnection → ConnectionAccount → standard error
final class Explainer: ControlConnectionHandler {
    private struct Question {
        let id: ConnectionID
        let isLast: Bool
    }

    /// Much may be left out within a second, and one answer tells of all.
    private static let gatherMilliseconds: UInt64 = 300
    /// The tool's end waits no longer for the last answer.
    private static let patienceMilliseconds: UInt64 = 3000

    private let loop: EventLoop
    private let gateway: GatewayTarget
    private let key: BearerText?
    private let tell: (String) -> Void
    private var connection: ControlConnection?
    /// Asked and not answered, in order.
    private var questions: [Question] = []
    private var gathering: LoopTimer?
    private var patience: LoopTimer?
    private var concluded: (() -> Void)?
    /// The connection that is watched; nil once its last question is asked.
    private var id: ConnectionID?
    private var accounts: [ConnectionID: ConnectionAccount] = [:]

    init(_ loop: EventLoop, _ gateway: GatewayTarget, key: BearerText?, tell: @escaping (String) -> Void) {
        self.loop = loop
        self.gateway = gateway
        self.key = key
        self.tell = tell
    }

    /// `connected` named it. What is no connection id is not asked for.
    func follow(_ text: String?) {
        id = text.flatMap { ConnectionID($0) }
        if let id { accounts[id] = ConnectionAccount() }
    }

    /// Something happened that will have been noted.
    func noteworthy() {
        guard id != nil, gathering == nil else { return }
        gathering = LoopTimer(loop) { [unowned self] in
            stop(&gathering)
            if let id { ask(Question(id: id, isLast: false)) }
        }
        gathering?.start(delay: Self.gatherMilliseconds)
    }

    /// The connection is over, or will be: the last question about it.
    func conclude() {
        stop(&gathering)
        guard let id else { return }
        self.id = nil
        ask(Question(id: id, isLast: true))
    }

    /// As above, and `then` is called when all is answered.
    func conclude(then: @escaping () -> Void) {
        conclude()
        concluded = then
        guard !questions.isEmpty else { return finish() }
        patience = LoopTimer(loop) { [unowned self] in giveUp("\(gateway) does not answer") }
        patience?.start(delay: Self.patienceMilliseconds)
    }

    func close() {
        stop(&gathering)
        stop(&patience)
        connection?.close()
        connection = nil
        questions = []
        concluded = nil
    }

    // MARK: Asking

    private func ask(_ question: Question) {
        questions.append(question)
        if connection == nil {
            do throws(SystemError) { connection = try ControlConnection(loop, to: gateway, key: key, handler: self) } catch {
                return giveUp(gateway.explain(error))
            }
        }
        connection?.get(path: "/v1/connections/\(question.id)")
        connection?.flush()
    }

    // MARK: ControlConnectionHandler

    func connectionDidOpen(_ connection: ControlConnection) {}

    func connection(_ connection: ControlConnection, didAnswer status: UInt16, body: [UInt8]) {
        guard !questions.isEmpty else { return }
        let question = questions.removeFirst()
        for line in accounts[question.id]?.news(status: status, body: body, isLast: question.isLast) ?? [] { tell(line) }
        if question.isLast { accounts[question.id] = nil }
        if questions.isEmpty { finish() }
    }

    func connection(_ connection: ControlConnection, didEnd ending: ControlConnection.Ending) {
        self.connection = nil
        // A kept-alive connection that nobody uses is closed after a while.
        guard !questions.isEmpty else { return }
        switch ending {
        case .cannotConnect(let error): giveUp(gateway.explain(error))
        case .cannotSeal(let failure): giveUp(gateway.explain(failure))
        case .refused(let refusal): giveUp(refusal.text)
        case .lost(let reason): giveUp(reason)
        }
    }

    private func giveUp(_ reason: String) {
        for question in questions where question.isLast { accounts[question.id] = nil }
        questions = []
        connection?.close()
        connection = nil
        tell("cannot explain: \(SafeText.escaped(reason))")
        finish()
    }

    private func finish() {
        guard let concluded else { return }
        self.concluded = nil
        stop(&patience)
        concluded()
    }

    private func stop(_ timer: inout LoopTimer?) {
        timer?.close()
        timer = nil
    }
}

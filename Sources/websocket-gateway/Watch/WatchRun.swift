import EventLoop
import Sessions
import WebSocket

/// One `watch`: a connection at a time, taken up again where the last one ended.
///
/// Flow: ClientSocket → **WatchRun** → StreamProgress, EventView → standard output
final class WatchRun: ClientSocketHandler {
    /// From the first SYN to `connected`.
    private static let connectMilliseconds: UInt64 = 10_000
    /// The gateway speaks every 30 s. As long as it takes the gateway to find a client stale.
    private static let silenceMilliseconds: UInt64 = 75_000

    private let tool: ToolLoop
    private let plan: WatchPlan
    private var view: EventView
    private var progress: StreamProgress
    private var delay = ReconnectDelay()
    private var socket: ClientSocket?
    private var timer: LoopTimer?
    private var heardAt: UInt64 = 0
    /// The gateway let us in at least once: from then on we come back by ourselves.
    private var wasConnected = false
    private var isConnected = false
    private var eventsShown = 0
    /// Nothing more is shown; the last word about the connection is awaited.
    private var isEnding = false
    private var explainer: Explainer?

    init(_ tool: ToolLoop, _ plan: WatchPlan, _ style: EventView.Style) {
        self.tool = tool
        self.plan = plan
        view = EventView(style)
        progress = StreamProgress(last: plan.lastID, isContiguous: plan.types == nil)
    }

    func start() {
        tool.interrupted = { [unowned self] in isEnding ? end(0) : finish(0) }
        explainer = plan.control.map { Explainer(tool.loop, $0, key: plan.key) { [unowned self] in tell($0) } }
        connect()
    }

    private func connect() {
        isConnected = false
        heardAt = tool.loop.nowMilliseconds
        let timer = timer ?? LoopTimer(tool.loop) { [unowned self] in checkSilence() }
        self.timer = timer
        timer.start(delay: 1000, every: 1000)
        do throws(SystemError) {
            socket = try ClientSocket(
                tool.loop, to: plan.gateway, target: plan.target(after: progress.last), token: plan.token, handler: self)
        } catch {
            lose(plan.gateway.explain(error))
        }
    }

    private func checkSilence() {
        let limit = isConnected ? Self.silenceMilliseconds : Self.connectMilliseconds
        if tool.loop.nowMilliseconds - heardAt > limit { socket?.abandon("the gateway was silent for \(limit / 1000) s") }
    }

    // MARK: ClientSocketHandler

    func socketDidOpen(_ socket: ClientSocket) {}

    func socket(_ socket: ClientSocket, didReceive message: [UInt8]) {
        heardAt = tool.loop.nowMilliseconds
        guard !isEnding else { return }
        let event = ReceivedEvent(message)
        if let event { examine(event) }
        if !tool.isFinished { StandardStreams.write(view.show(message, event, columns: StandardStreams.outputColumns)) }
        guard let event, event.id != nil else { return }
        eventsShown += 1
        if eventsShown == plan.eventsMax || plan.endsWhenCompleted && event.type == "session_completed" { finish(0) }
    }

    func socket(_ socket: ClientSocket, didEnd ending: ClientSocket.Ending) {
        self.socket = nil
        guard !isEnding else { return }
        explainer?.conclude()
        switch ending {
        case .closed(CloseCode.normal?, let reason):
            tell("the session's connection was closed: 1000 \(SafeText.escaped(reason))")
            finish(0)
        case .closed(CloseCode.goingAway?, let reason):
            tell("the gateway went away: 1001 \(SafeText.escaped(reason))")
            finish(1)
        case .closed(let code, let reason):
            lose(
                "closed with \(code?.rawValue ?? 1005) \(SafeText.escaped(reason))",
                retryAfter: ReconnectDelay.retryAfterMilliseconds(in: reason) ?? 0)
        case .refused(let refusal):
            guard wasConnected, refusal.isTransient else { return fail("\(plan.gateway) refused: \(refusal.text)") }
            lose("refused: \(refusal.text)")
        case .cannotConnect(let error): lose(plan.gateway.explain(error))
        case .cannotSeal(let failure): lose(plan.gateway.explain(failure))
        case .lost(let reason): lose(reason)
        }
    }

    // MARK: The stream

    private func examine(_ event: ReceivedEvent) {
        if let id = event.id {
            if let warning = progress.receive(id).warning { warn(warning) }
            return
        }
        switch event.type {
        case "connected":
            (isConnected, wasConnected) = (true, true)
            delay.reset()
            explainer?.follow(event.data?["connection_id"]?.stringValue)
            if event.data?["resume"]?["recovered"]?.boolValue == false {
                warn("NOT RESUMED: the gateway no longer has what came after \(event.data?["resume"]?["from"]?.stringValue ?? "?")")
            } else if plan.replay == nil, let id = id(event.data?["last_id"]) {
                progress.join(at: id)
            }
        case "conflated":
            explainer?.noteworthy()
            for range in event.data?["ranges"]?.arrayValue ?? [] { announceAbsent(range.arrayValue?.first, range.arrayValue?.last) }
        case "lost":
            explainer?.noteworthy()
            warn("LOST: \(EventSummary.text(event) ?? event.compactData)")
            announceAbsent(event.data?["first_id"], event.data?["last_id"])
        default: break
        }
    }

    private func announceAbsent(_ first: JSON?, _ last: JSON?) {
        if let first = id(first), let last = id(last) { progress.announceAbsent(first: first, last: last) }
    }

    private func id(_ json: JSON?) -> EventID? { json?.stringValue.flatMap { try? EventID(parsing: $0) } }

    // MARK: Ends

    /// Comes back later, or gives up.
    private func lose(_ reason: String, retryAfter: UInt64 = 0) {
        guard wasConnected else { return fail(reason) }
        guard let milliseconds = delay.next(atLeast: retryAfter) else {
            return fail("\(reason); gave up after \(ReconnectDelay.triesMax) tries")
        }
        let tenths = (milliseconds + 50) / 100
        tell("\(reason); reconnecting in \(tenths / 10).\(tenths % 10) s")
        timer?.close()
        timer = LoopTimer(tool.loop) { [unowned self] in
            timer?.close()
            timer = nil
            connect()
        }
        timer?.start(delay: milliseconds)
    }

    private func fail(_ reason: String) {
        tell(reason)
        finish(1)
    }

    private func finish(_ code: Int32) {
        guard !isEnding else { return }
        isEnding = true
        StandardStreams.write(view.finishLine())
        // Asked while it is still open, where it is.
        guard let explainer else { return end(code) }
        explainer.conclude { [unowned self] in end(code) }
    }

    private func end(_ code: Int32) {
        explainer?.close()
        socket?.close()
        socket = nil
        timer?.close()
        timer = nil
        tool.finish(code)
    }

    private func tell(_ text: String) {
        StandardStreams.write(view.finishLine())
        FailedStart.tell(text)
    }

    private func warn(_ text: String) {
        tell(
            StandardStreams.errorIsTerminal && view.style == .terminal(colors: true)
                ? "\u{1B}[1;31m\(SafeText.escaped(text))\u{1B}[0m" : SafeText.escaped(text))
    }
}

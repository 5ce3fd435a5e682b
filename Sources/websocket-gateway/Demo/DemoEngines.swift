import EventLoop
import Sessions
import WebSocketGateway

/// Two synthetic engines inside the process. They publish as an embedding program does, run after run, until they are cancelled.
struct DemoEngines: Sendable {
    static let backtestID = "demo-backtest"
    static let forwardID = "demo-forward"
    /// Between two runs of a session.
    private static let pause: Duration = .seconds(3)

    let manager: WebSocketManager
    let speed: Double
    let seed: UInt64

    func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await loop(Self.backtestID, .backtest) { seed in BacktestScript(seed: seed) }
            }
            group.addTask {
                await loop(Self.forwardID, .forward) { seed in
                    ForwardScript(seed: ~seed, start: Timestamp(microsecondsSince1970: Clocks.wallMicroseconds / 1_000_000 * 1_000_000))
                }
            }
        }
    }

    private func loop(_ session: String, _ kind: SessionKind, _ script: (_ seed: UInt64) -> some Sequence<ScriptStep>) async {
        do {
            try await manager.registerSession(session, SessionRegistration(kind: kind))
            let control = RunControl()
            try await manager.serve(session) { command in await answer(command, control) }
            for run in 0... {
                try await publish(script(seed &+ UInt64(run)), to: session, control)
                control.stop()
                try await Task.sleep(for: Self.pause / speed)
                control.beginRun()
            }
        } catch is CancellationError {
        } catch PublishRefusal.gatewayStopped {
        } catch {
            FailedStart.tell("\(session) stopped: \(error)")
        }
    }

    /// `pause`, `resume` and `stop`; what became of the session reaches every tab before the answer reaches the one that asked.
    private func answer(_ command: SessionCommand, _ control: RunControl) async -> CommandReply {
        do {
            switch command.action {
            case "pause":
                guard control.pause() else { return .failed("it does not run") }
                _ = try await manager.broadcastToSession(command.sessionID, Event(type: .sessionPaused, data: [:]))
            case "resume":
                guard control.isPaused else { return .failed("it is not paused") }
                _ = try await manager.broadcastToSession(command.sessionID, Event(type: .sessionResumed, data: [:]))
                control.resume()
            case "stop": guard control.stop() else { return .failed("it is stopped already") }
            default: return .unknown("the demo knows pause, resume and stop")
            }
        } catch {
            return .failed("\(error)")
        }
        return .done()
    }

    /// Keeps to the script's times, however long the publishes take; a laptop that slept does not get its missed hours at once.
    private func publish(_ script: some Sequence<ScriptStep>, to session: String, _ control: RunControl) async throws {
        var due = ContinuousClock.now
        for step in script {
            due = max(due + step.delay / speed, .now - .seconds(1))
            if step.delay > .zero { try await Task.sleep(until: due, clock: .continuous) }
            try Task.checkCancellation()
            switch await control.mayGoOn() {
            case .at(let time): due = max(due, time)
            case .stopped:
                _ = try await manager.broadcastToSession(session, .sessionCompleted(resultID: "stopped", finalStats: [:]))
                return
            }
            _ = try await manager.broadcastToSession(session, step.event)
        }
    }
}

import EventLoop
import OpenSSL
import Sessions

/// One `load`: opens the connections, publishes, checks, reports. Everything happens on one loop.
///
/// Flow: LoadPublisher → gateway → LoadConnection → **LoadRun** → LoadReport
final class LoadRun {
    private enum Phase { case opening, waiting, measuring, publishing, measuringAgain, settling, probingSlow, over }

    /// Handshakes under way at once: fewer than any listener's backlog.
    private static let openingMax = 128
    /// After the last event: a duplicate of it would come now.
    private static let settleMilliseconds: UInt64 = 200
    private static let probeMilliseconds: UInt64 = 2000
    /// Everything is published and nothing comes any more: what is missing is lost.
    private static let stallMilliseconds: UInt64 = 10_000
    private static let tickMilliseconds: UInt64 = 50

    let plan: LoadPlan
    let judge: LoadJudge
    private let tool: ToolLoop
    private let printsJSON: Bool
    private var phase = Phase.opening
    private var sessions: [LoadSession] = []
    private var connections: [LoadConnection] = []
    private var publishers: [LoadPublisher] = []
    private var look: GatewayLook?
    private var usageBefore: LoadUsage?
    private var timer: LoopTimer?
    private var report: LoadReport

    private var handshakes = 0
    private var openConnections = 0
    private var readersWaiting = 0
    private let startedAt: UInt64
    private var publishingAt: UInt64 = 0
    private var lastDeliveryAt: UInt64 = 0
    private var phaseAt: UInt64 = 0
    private var cpuAtStart = 0.0

    init(_ tool: ToolLoop, _ plan: LoadPlan, _ judge: LoadJudge, printsJSON: Bool) {
        self.tool = tool
        self.plan = plan
        self.judge = judge
        self.printsJSON = printsJSON
        report = LoadReport(plan)
        startedAt = Clocks.monotonicNanoseconds
        readersWaiting = plan.connections
    }

    func start() {
        tool.interrupted = { [unowned self] in fail("interrupted") }
        timer = LoopTimer(tool.loop) { [unowned self] in tick() }
        timer?.start(delay: Self.tickMilliseconds, every: Self.tickMilliseconds)
        for index in 0..<plan.sessions {
            guard let id = try? SessionID(plan.session(index)) else { preconditionFailure("the command checked the names") }
            sessions.append(LoadSession(index: index, id: id))
            if plan.dialect.publishesWholeEvents { sessions[index].beginStream() }
        }
        do throws(SystemError) {
            for index in 0..<plan.publishers {
                let shared = stride(from: index, to: sessions.count, by: plan.publishers).map { sessions[$0] }
                publishers.append(try LoadPublisher(self, tool.loop, shared))
            }
        } catch {
            return fail(plan.control.explain(error))
        }
        openMore()
    }

    // MARK: Opening

    private func openMore() {
        while phase == .opening, handshakes < Self.openingMax, connections.count < plan.allConnections {
            let index = connections.count
            do throws(SystemError) {
                let session = sessions[plan.sessionIndex(ofConnection: index)]
                connections.append(
                    try LoadConnection(self, tool.loop, index: index, isSlow: index >= plan.connections, session: session))
                handshakes += 1
            } catch {
                return fail(plan.connect.explain(error))
            }
        }
    }

    func cannotSeal(_ failure: TLSFailure) { fail(plan.connect.explain(failure)) }

    func cannotConnect(_ error: SystemError) { fail(plan.connect.explain(error)) }

    func wasRefused(_ refusal: GatewayRefusal) {
        var text = "a connection was refused: \(refusal.text)"
        let connections = plan.allConnections + max(plan.publishers, LoadPlan.publishersDefaultMax)
        if let flag = refusal.flagToRaise(connections: connections, perSession: plan.connectionsPerSession) {
            text += "; start the gateway with: websocket-gateway serve \(flag)"
        }
        report.refusals += 1
        fail(text)
    }

    func didOpen(_ connection: LoadConnection, nanoseconds: UInt64) {
        handshakes -= 1
        openConnections += 1
        report.connecting.record(nanoseconds)
        if openConnections < plan.allConnections { openMore() } else { beginIfReady() }
    }

    func publisherDidOpen() { beginIfReady() }

    private func beginIfReady() {
        guard phase == .opening, openConnections == plan.allConnections, publishers.allSatisfy(\.isOpen) else { return }
        if plan.wait == .zero { return measureBefore() }
        tell("\(plan.allConnections) connections are open; waiting \(plan.wait.components.seconds) s")
        enter(.waiting)
    }

    private func measureBefore() {
        enter(.measuring)
        measure { [unowned self] usage in
            usageBefore = usage
            beginPublishing()
        }
    }

    private func beginPublishing() {
        publishingAt = Clocks.monotonicNanoseconds
        lastDeliveryAt = publishingAt
        report.openSeconds = Double(publishingAt - startedAt) / 1e9
        cpuAtStart = ProcessResources.cpuSeconds
        tell("\(plan.allConnections) connections to \(plan.sessions) session(s) are open; publishing \(plan.events) events to each")
        enter(.publishing)
        for publisher in publishers { publisher.begin() }
    }

    // MARK: Publishing

    func didPublish(_ session: LoadSession, _ sequence: UInt64, receipt: [UInt8]) {
        if !plan.dialect.hasReceipts {
            report.receipts.addUncounted(events: 1)
        } else if !report.receipts.add(receipt: receipt, events: 1) {
            return publishFailed("the answer to event \(sequence) is no receipt")
        }
        session.acknowledged = sequence
        settleIfDone()
    }

    func publishFailed(_ reason: String) { fail(reason) }

    // MARK: Deliveries

    func didReceive(_ connection: LoadConnection, _ size: DeliverySize, latency: UInt64, at now: UInt64) {
        report.latency.record(latency)
        report.delivered += 1
        report.size += size
        lastDeliveryAt = now
        if connection.ledger.received + connection.ledger.conflated == connection.eventsWanted {
            readersWaiting -= 1
            settleIfDone()
        }
    }

    /// Something that must never happen; the first one is named in the report.
    func offend(_ connection: LoadConnection, _ what: String) {
        if connection.isSlow { return }
        report.offences += 1
        if report.firstOffence == nil { report.firstOffence = "\(connection.name): \(what)" }
    }

    func didEnd(_ connection: LoadConnection, _ reason: String) {
        guard phase != .over else { return }
        if connection.isSlow {
            report.slowDropped += 1
            if phase == .opening { fail("\(connection.name) was not let in: \(reason)") }
            return
        }
        offend(connection, reason)
        if phase == .opening { return fail("\(connection.name) was not let in: \(reason)") }
        if !connection.hasEverything {
            readersWaiting -= 1
            settleIfDone()
        }
    }

    private func settleIfDone() {
        guard phase == .publishing, readersWaiting == 0, publishers.allSatisfy(\.isDone) else { return }
        enter(.measuringAgain)
        measure { [unowned self] usage in
            if let usageBefore { report.add(usageBefore, usage) }
            enter(.settling)
        }
    }

    /// A server's processes are looked at where they are named, and nothing is asked of it.
    private func measure(_ completion: @escaping (LoadUsage) -> Void) {
        guard plan.serverPIDs.isEmpty else {
            do throws(ProcessUsage.Fault) {
                completion(LoadUsage(server: try ServerUsage.read(plan.serverPIDs), machine: MachineUsage.read()))
            } catch {
                fail("--server-pid: \(error.reason)")
            }
            return
        }
        guard plan.dialect == .gateway else { return completion(LoadUsage(machine: MachineUsage.read())) }
        do throws(SystemError) {
            look = try GatewayLook(tool.loop, at: plan.control, key: plan.key) {
                completion(LoadUsage(gateway: $0, machine: MachineUsage.read()))
            }
        } catch {
            fail(plan.control.explain(error))
        }
    }

    private func enter(_ next: Phase) {
        phase = next
        phaseAt = tool.loop.nowMilliseconds
        if next == .probingSlow { for connection in connections where connection.isSlow { connection.resumeReading() } }
    }

    // MARK: Time and end

    private func tick() {
        let now = Clocks.monotonicNanoseconds
        let inPhase = tool.loop.nowMilliseconds - phaseAt
        if Duration.nanoseconds(Int64(now - startedAt)) > plan.duration {
            return fail(
                "the time is over: --duration \(plan.duration.components.seconds)\(phase == .opening ? ", still opening connections" : "")")
        }
        switch phase {
        case .waiting:
            if Duration.milliseconds(Int64(inPhase)) >= plan.wait { measureBefore() }
        case .publishing:
            let silent = (now - lastDeliveryAt) / 1_000_000
            if silent > Self.stallMilliseconds, publishers.allSatisfy(\.isDone) {
                fail("nothing came for \(silent / 1000) s, and not everybody has everything")
            }
        case .settling:
            if inPhase >= Self.settleMilliseconds { plan.slowConnections > 0 ? enter(.probingSlow) : finish(nil) }
        case .probingSlow:
            if inPhase >= Self.probeMilliseconds || report.slowDropped == plan.slowConnections { finish(nil) }
        case .opening, .measuring, .measuringAgain, .over: break
        }
    }

    private func fail(_ reason: String) { finish(reason) }

    private func finish(_ failure: String?) {
        guard phase != .over else { return }
        let hadBegun = publishingAt > 0
        phase = .over
        if hadBegun {
            report.seconds = Double(lastDeliveryAt - publishingAt) / 1e9
            report.cpuSeconds = ProcessResources.cpuSeconds - cpuAtStart
            report.wallSeconds = Double(Clocks.monotonicNanoseconds - startedAt) / 1e9
            for connection in connections where !connection.isSlow {
                let acknowledged = connection.session.acknowledged
                report.add(connection.ledger, published: plan.isFiltered(connection.index) ? (acknowledged + 1) / 2 : acknowledged)
            }
            report.checkReceipts()
        }
        for connection in connections { connection.close() }
        for publisher in publishers { publisher.close() }
        look?.close()
        timer?.close()
        report.failure = failure
        if hadBegun || printsJSON { StandardStreams.writeLine(printsJSON ? report.json.encoded : report.text) }
        if let failure { FailedStart.tell(failure) }
        tool.finish(report.hasPassed ? 0 : 1)
    }

    private func tell(_ text: String) { SmallFile.writeToStandardError("\(text)\n") }
}

internal import EventLoop
internal import Sessions
internal import Synchronization

/// What all workers share, and the way from any thread to each of them. Immutable but for atomics, and for what a lock guards.
final class Switchboard: Sendable {
    /// As at the start: for what a reload does not change, ``SettingRow/Change/atStart``. Workers have a copy of their own of what is in force.
    let startPlan: Plan
    /// What is in force: what the next reload is held against, and what a worker begins with.
    let running: Locked<Plan>
    /// Of what is in force, for those who publish from any thread.
    let eventBytesMax: Atomic<Int>
    /// How many reloads were asked for: one at a time. Held while files are read, and never taken by a worker.
    let reloads = Locked(0)
    /// As at the start, like the number of workers.
    let memoryBytes: Int
    let log: GatewayLog
    let mailboxes: [Mailbox<Mail>]
    let counters: [Counters]
    /// To the store's thread; never opened where there is no store.
    let storeMailbox = Mailbox<StoreMail>()
    let storeCounters = Counters()
    let gate = AdmissionGate()
    let broadcastKeys = BroadcastKeys()
    let door: TokenDoor
    /// Nil where the keys of tokens come from no URL.
    let keySet: KeySetThread?
    /// What new connections get; each worker has its own copy.
    let tls: Locked<ListenerTLS?>
    let controlDoor: ControlDoor
    let descriptorLimit: Int
    let startedAtSeconds = Double(Clocks.wallMicroseconds) / 1e6

    enum Phase: Int { case starting, ready, draining, stopped }

    private let phaseValue = Atomic<Int>(Phase.starting.rawValue)

    init(_ plan: Plan, descriptorLimit: Int, memoryBytes: Int, log: GatewayLog) {
        startPlan = plan
        running = Locked(plan)
        eventBytesMax = Atomic(plan.eventLimits.eventBytesMax)
        self.memoryBytes = memoryBytes
        tls = Locked(plan.tls)
        self.log = log
        door = TokenDoor(plan.tokenKeys)
        keySet = plan.keySet.map(KeySetThread.init)
        controlDoor = ControlDoor(plan.apiKeys)
        self.descriptorLimit = descriptorLimit
        mailboxes = (0..<plan.workers).map { _ in Mailbox() }
        counters = (0..<plan.workers).map { _ in Counters() }
    }

    /// Moves forward only.
    var phase: Phase {
        get { Phase(rawValue: phaseValue.load(ordering: .acquiring)) ?? .stopped }
        set { phaseValue.max(newValue.rawValue, ordering: .acquiringAndReleasing) }
    }

    /// Which worker orders a session's events. The hash is seeded per process, so that nobody can aim sessions at one worker.
    func home(of session: SessionID) -> Int {
        mailboxes.count == 1 ? 0 : Int(UInt(bitPattern: session.hashValue) % UInt(mailboxes.count))
    }

    /// Runs `body` with a worker's core on its thread and returns what it returns; nil when the worker has ended.
    ///
    /// The core is not Sendable and `Result` must be: the compiler keeps every connection where it belongs.
    func ask<Result: Sendable>(_ worker: Int, _ body: @escaping @Sendable (WorkerCore) -> Result) async -> Result? {
        await withCheckedContinuation { continuation in
            let posted = mailboxes[worker].post(.call { core in continuation.resume(returning: core.map(body)) })
            if !posted { continuation.resume(returning: nil) }
        }
    }

    /// Closes the mailboxes of workers that never began, and answers what was put into them.
    func closeUnopened() {
        for mailbox in mailboxes {
            for mail in mailbox.closeUnopened() {
                switch mail {
                case .call(let body): body(nil)
                case .publish(let request), .publishToAll(let request): request.reply.resumeStopped()
                default: break
                }
            }
        }
        _ = storeMailbox.closeUnopened()
    }

    /// Asks every worker and collects the answers of those that still run.
    func askAll<Result: Sendable>(_ body: @escaping @Sendable (WorkerCore) -> Result) async -> [Result] {
        var results: [Result] = []
        for worker in mailboxes.indices {
            if let result = await ask(worker, body) { results.append(result) }
        }
        return results
    }

    var metricsPage: MetricsPage {
        MetricsPage(
            counters: counters, storeCounters: storeCounters, keySetCounters: keySet?.counters, startedAtSeconds: startedAtSeconds,
            descriptorLimit: descriptorLimit, connectionsMax: running.withLock { $0.connectionsMax },
            certificateExpiry: tls.withLock { $0?.expiresAt ?? 0 },
            tokenKeys: door.keysCount, keySetAgeSeconds: keySet?.ageSeconds ?? 0)
    }
}

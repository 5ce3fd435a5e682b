internal import EventLoop
internal import Synchronization

/// What a reload has done.
public struct ReloadReport: Sendable, Equatable {
    /// The settings that have another value now, in the order of `docs/OPERATING.md`.
    public let changes: [SettingChange]
    /// What was read again from the files that the settings name: `certificates`, `token keys`, `API keys`; and `token keys, being fetched`.
    public let files: [String]
}

/// Why a reload has changed nothing.
public enum ReloadRefusal: Error, Sendable, Equatable, CustomStringConvertible {
    /// A setting, or a file that one names, cannot be used.
    case invalid(SettingsError)
    /// These settings would change, and only a start can change them.
    case needsRestart([String])

    public var description: String {
        switch self {
        case .invalid(let error): "\(error)"
        case .needsRestart(let names): "only a restart changes \(names.joined(separator: ", "))"
        }
    }

    /// Positions in ``Metric/reloads``.
    var label: Int { if case .invalid = self { 1 } else { 2 } }
}

/// What can change while the gateway runs.
extension WebSocketManager {
    /// The settings in force.
    public var settings: GatewaySettings { board.running.withLock { $0.settings } }

    /// Puts other settings in force, and reads again the files that they name: certificates, the keys of tokens, the keys of engines. All of it, or nothing.
    ///
    ///     var settings = manager.settings
    ///     settings.connectionsMax = 20_000
    ///     try manager.reload(settings)
    ///
    /// Each worker gets them with its next turn. Connections stay, also where there are now more than a limit allows: nobody is let in until there are
    /// fewer. What a limit holds from then on is in `docs/OPERATING.md`, Reload. Engines' links are closed where the keys of engines have changed, and come back with
    /// theirs; new connections get the new certificate, and tokens that were good before are looked at again when they are shown again.
    ///
    /// May be called from any thread; waits for the disk, and for another call of it, never for a worker. A key set at a URL is fetched, which nobody waits for.
    /// - Parameter settings: nil: those in force; only the files are read again.
    /// - Throws: ``ReloadRefusal``. Nothing has changed then.
    @discardableResult
    public func reload(_ settings: GatewaySettings? = nil) throws(ReloadRefusal) -> ReloadReport {
        do throws(ReloadRefusal) {
            let report = try board.reloads.withLock { count throws(ReloadRefusal) in
                count += 1
                return try board.reload(settings)
            }
            board.countReload(label: 0)
            return report
        } catch {
            board.countReload(label: error.label)
            throw error
        }
    }

    /// There are no settings to reload with: they could not be read.
    package func noteInvalidReload() { board.countReload(label: 1) }

    /// What an operator should know of the settings, though they can be used: a certificate that has expired, a `stale-timeout` that is over before a
    /// client can be heard again.
    public var warnings: [String] { board.tls.withLock { $0?.warnings ?? [] } + board.running.withLock { $0.warnings } }
}

extension Switchboard {
    fileprivate func reload(_ settings: GatewaySettings?) throws(ReloadRefusal) -> ReloadReport {
        let earlier = running.withLock { $0 }
        var wanted = settings ?? earlier.settings
        (wanted.echoes, wanted.sendBufferBytes) = (earlier.settings.echoes, earlier.settings.sendBufferBytes)
        let changes = SettingChange.between(earlier.settings, wanted)
        let fixed = changes.filter { !$0.isReloadable }.map(\.name)
        guard fixed.isEmpty else { throw .needsRestart(fixed) }
        let plan: Plan
        do throws(SettingsError) {
            // As many workers as there are, whatever cores there are now.
            plan = try Plan(
                wanted, descriptorLimit: descriptorLimit, cores: startPlan.workers, memoryBytes: memoryBytes, replacing: earlier)
        } catch {
            throw .invalid(error)
        }
        adopt(plan)
        let all = [
            ("certificates", plan.tls != nil), ("token keys", plan.tokenKeys != nil && plan.keySet == nil),
            ("API keys", plan.apiKeys != nil),
            ("token keys, being fetched", plan.keySet != nil),
        ]
        return ReloadReport(changes: changes, files: all.filter(\.1).map(\.0))
    }

    private func adopt(_ plan: Plan) {
        // First: a worker that begins now begins with it.
        running.withLock { $0 = plan }
        tls.withLock { $0 = plan.tls }
        eventBytesMax.store(plan.eventLimits.eventBytesMax, ordering: .relaxed)
        if let source = plan.keySet {
            // Of the keys that are there at once; the fetch may fail.
            door.expect(source.expected)
            keySet?.refresh(source)
        } else if let keys = plan.tokenKeys {
            door.replace(keys)
        }
        if let keys = plan.apiKeys { controlDoor.replace(keys) }
        for mailbox in mailboxes { mailbox.post(.call { core in core?.adopt(plan) }) }
    }

    /// On a worker: its counters have no other writer.
    fileprivate func countReload(label: Int) { mailboxes[0].post(.call { core in core?.counters.add(.reloads, label: label) }) }
}

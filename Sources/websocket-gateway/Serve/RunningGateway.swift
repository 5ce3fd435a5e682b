import ArgumentParser
import EventLoop
import Logging
import Sessions
import WebSocketGateway

/// A gateway as a process: settings in, signals obeyed, addresses told, exit code out.
struct RunningGateway {
    let manager: WebSocketManager
    private let readSettings: @Sendable () throws(SettingsError) -> GatewaySettings
    private let readyFile: String?
    private let logLevel: LogLevel
    private let logger: Logger

    /// `readSettings` is called now, and again with each SIGHUP.
    init(readyFile: String?, readSettings: @escaping @Sendable () throws(SettingsError) -> GatewaySettings) throws(SettingsError) {
        let settings = try readSettings()
        let level = LogLevel(settings.logLevel)
        LoggingSystem.bootstrap { JSONLogHandler(label: $0, level: level) }
        logLevel = level
        logger = Logger(label: "websocket-gateway")
        self.readSettings = readSettings
        self.readyFile = readyFile
        manager = try WebSocketManager(settings, logger: logger)
    }

    /// Which of the listeners speak TLS.
    var isSealed: Bool { manager.settings.tlsCertificate != nil }
    var isControlSealed: Bool { manager.settings.controlTLS }

    /// Reads the settings from everywhere. One line on standard error and exit 64 when they cannot be used.
    static func prepare(_ options: GatewayOptions, defaults: GatewaySettings = GatewaySettings()) throws -> RunningGateway {
        do throws(SettingsError) {
            let environment = ProcessResources.environment
            let (flags, file) = (options.given, options.config)
            return try RunningGateway(readyFile: options.readyFile ?? environment["WSG_READY_FILE"]) { () throws(SettingsError) in
                try SettingsReader.read(flags: flags, file: file, environment: environment, defaults: defaults)
            }
        } catch {
            FailedStart.tell("\(error)")
            throw ExitCode(64)
        }
    }

    /// Starts, calls `started` with the addresses, and runs until a signal ends it.
    func run(started: @Sendable (WebSocketManager, WebSocketManager.Addresses) async -> Void = { _, _ in }) async throws {
        let signals: SignalStream
        let addresses: WebSocketManager.Addresses
        do {
            signals = try await SignalStream()
            addresses = try await manager.start()
            try writeReadyFile(addresses)
        } catch {
            await manager.stop()
            FailedStart.tell("\(error)")
            throw ExitCode(1)
        }
        logger.info(
            "listening",
            metadata: [
                "listen": "\(addresses.listen)", "control": "\(addresses.control ?? "none")", "workers": "\(manager.workers)",
                "max_connections": "\(manager.connectionsMax)", "version": "\(BuildInfo.version)",
            ])
        warn()
        await started(manager, addresses)
        await serveUntilSignal(signals)
        if let readyFile { SmallFile.remove(readyFile) }
        logger.info("stopped")
    }

    /// All or nothing: with a bad file everything stays as it was.
    private func reload() {
        let settings: GatewaySettings
        do throws(SettingsError) { settings = try readSettings() } catch {
            manager.noteInvalidReload()
            return logger.error("SIGHUP: not reloaded; everything stays as it was", metadata: ["reason": "\(error)"])
        }
        do throws(ReloadRefusal) {
            tell(try manager.reload(settings), level: settings.logLevel)
            warn()
        } catch {
            logger.error("SIGHUP: not reloaded; everything stays as it was", metadata: ["reason": "\(error)"])
        }
    }

    /// One field for each setting that changed, and for what was read again. At the level of before or of now, whichever says more.
    private func tell(_ report: ReloadReport, level: Logger.Level) {
        logLevel.value = min(logLevel.value, level)
        defer { logLevel.value = level }
        var metadata: Logger.Metadata = [:]
        if !report.files.isEmpty { metadata["what"] = "\(report.files.joined(separator: ", "))" }
        for change in report.changes { metadata[change.name] = "\(change.from ?? "none") → \(change.to ?? "none")" }
        logger.notice(metadata.isEmpty ? "SIGHUP: nothing has changed" : "SIGHUP: reloaded", metadata: metadata)
    }

    /// What is usable and yet not as it should be.
    private func warn() {
        let (allowed, wanted) = (manager.connectionsMax, manager.settings.connectionsMax)
        if allowed < wanted {
            logger.warning(
                "the descriptor limit allows fewer connections than max-connections",
                metadata: ["max_connections": "\(allowed)", "wanted": "\(wanted)"])
        }
        for warning in manager.warnings { logger.warning("\(warning)") }
    }

    private func serveUntilSignal(_ signals: SignalStream) async {
        for await signal in signals.stream {
            if signal == SignalSource.hangup {
                reload()
                continue
            }
            break
        }
        logger.info("draining; another signal stops at once")
        let watchdog = Task { try await stopAtOnce(after: manager.settings.drainTimeout + .seconds(2)) }
        let second = Task {
            for await signal in signals.stream where signal != SignalSource.hangup { try await stopAtOnce(after: .zero) }
        }
        await manager.drain()
        watchdog.cancel()
        second.cancel()
    }

    /// Whoever asks for it does not wait for a worker: one may be what hangs.
    private func stopAtOnce(after delay: Duration) async throws {
        try await Task.sleep(for: delay)
        if let readyFile { SmallFile.remove(readyFile) }
        logger.warning("stopping at once")
        ProcessResources.exitNow(0)
    }

    private func writeReadyFile(_ addresses: WebSocketManager.Addresses) throws {
        guard let readyFile else { return }
        let ready: JSONObject = [
            "listen": .string(addresses.listen), "control": addresses.control.map { .string($0) } ?? .null,
            "pid": .int(Int64(ProcessResources.processID)),
        ]
        try SmallFile.replace(readyFile, with: Array("\(ready.encoded)\n".utf8))
    }
}

/// One line for whoever started the program.
enum FailedStart {
    static func tell(_ reason: String) { SmallFile.writeToStandardError("websocket-gateway: \(reason)\n") }
}

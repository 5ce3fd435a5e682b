import ArgumentParser
import EventLoop
import Logging
import Sessions
import WebSocketGateway

/// A gateway as a process: settings in, signals obeyed, addresses told, exit code out.
struct RunningGateway {
    let manager: WebSocketManager
    private let settings: GatewaySettings
    private let readyFile: String?
    private let logger: Logger

    init(_ settings: GatewaySettings, readyFile: String?, logLevel: Logger.Level) throws(SettingsError) {
        LoggingSystem.bootstrap { JSONLogHandler(label: $0) }
        var logger = Logger(label: "websocket-gateway")
        logger.logLevel = logLevel
        self.logger = logger
        self.settings = settings
        self.readyFile = readyFile
        manager = try WebSocketManager(settings, logger: logger)
    }

    /// Which of the listeners speak TLS.
    var isSealed: Bool { settings.tlsCertificate != nil }
    var isControlSealed: Bool { settings.controlTLS }

    /// Reads the settings from everywhere. One line on standard error and exit 64 when they cannot be used.
    static func prepare(_ options: GatewayOptions) throws -> RunningGateway {
        do throws(SettingsError) {
            let environment = ProcessResources.environment
            let settings = try SettingsReader.read(flags: options.given, file: options.config, environment: environment)
            let levelText = options.logLevel ?? environment["WSG_LOG_LEVEL"] ?? "info"
            guard let level = Logger.Level(rawValue: levelText) else {
                throw SettingsError(
                    "log-level", "\"\(levelText)\" is not one of \(Logger.Level.allCases.map(\.rawValue).joined(separator: ", "))")
            }
            return try RunningGateway(settings, readyFile: options.readyFile ?? environment["WSG_READY_FILE"], logLevel: level)
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
        if manager.connectionsMax < settings.connectionsMax {
            logger.warning(
                "the descriptor limit allows fewer connections than max-connections",
                metadata: ["max_connections": "\(manager.connectionsMax)", "wanted": "\(settings.connectionsMax)"])
        }
        warn()
        await started(manager, addresses)
        await serveUntilSignal(signals)
        if let readyFile { SmallFile.remove(readyFile) }
        logger.info("stopped")
    }

    /// All or nothing: with a bad file everything stays as it was.
    private func reload() {
        do throws(SettingsError) {
            let reloaded = try manager.reload()
            guard !reloaded.isEmpty else { return logger.notice("SIGHUP: no setting names a file that could be read again") }
            logger.notice("SIGHUP: reloaded", metadata: ["what": "\(reloaded.joined(separator: ", "))"])
            warn()
        } catch {
            logger.error("SIGHUP: not reloaded; everything stays as it was", metadata: ["reason": "\(error)"])
        }
    }

    /// What is usable and yet not as it should be.
    private func warn() { for warning in manager.warnings { logger.warning("\(warning)") } }

    private func serveUntilSignal(_ signals: SignalStream) async {
        for await signal in signals.stream {
            if signal == SignalSource.hangup {
                reload()
                continue
            }
            break
        }
        logger.info("draining; another signal stops at once")
        let watchdog = Task { try await stopAtOnce(after: settings.drainTimeout + .seconds(2)) }
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

import EventLoop
import Sessions
import Testing

@testable import WebSocketGateway

/// A gateway on ports of the kernel's choice.
struct TestGateway: Sendable {
    let manager: WebSocketManager
    let port: UInt16
    let controlPort: UInt16

    static func settings(workers: Int, _ change: (inout GatewaySettings) -> Void = { _ in }) -> GatewaySettings {
        var settings = GatewaySettings()
        settings.listen = "127.0.0.1:0"
        settings.control = "127.0.0.1:0"
        settings.workers = workers
        // However slow the machine, no time-out comes into a test that is not about it.
        settings.heartbeatInterval = .seconds(3600)
        settings.staleTimeout = .zero
        settings.requestHeadTimeout = .seconds(300)
        settings.requestBodyTimeout = .seconds(300)
        settings.idleTimeout = .seconds(300)
        settings.writeTimeout = .seconds(300)
        settings.closeTimeout = .seconds(300)
        change(&settings)
        return settings
    }

    /// Runs `body` with a started gateway, and stops it.
    static func run(workers: Int = 2, _ change: (inout GatewaySettings) -> Void = { _ in }, _ body: (TestGateway) async throws -> Void)
        async throws
    {
        let manager = try WebSocketManager(settings(workers: workers, change))
        let addresses = try await manager.start()
        let gateway = try TestGateway(
            manager: manager, port: #require(SocketAddress(parsing: addresses.listen)).port,
            controlPort: #require(addresses.control.flatMap { SocketAddress(parsing: $0) }).port)
        do {
            try await body(gateway)
        } catch {
            await manager.stop()
            throw error
        }
        await manager.stop()
    }

    func join(
        _ session: String, query: String = "", kind: String = "backtest", headers: [(String, String)] = [], receiveBufferBytes: Int32? = nil
    ) async throws
        -> SocketClient
    {
        let port = port
        let client = await offPool {
            SocketClient(port: port, session, query: query, kind: kind, headers: headers, receiveBufferBytes: receiveBufferBytes)
        }
        return try #require(client, "\(session) did not let a client in")
    }

    func engine() async throws -> HTTPClient {
        let port = controlPort
        let client = await offPool { HTTPClient(port: port) }
        return try #require(client)
    }

    /// Publishes `{"n": number}` and returns the receipt.
    @discardableResult
    func publish(_ number: Int, to session: String) async throws -> PublishReceipt {
        try await manager.broadcastToSession(session, Event(type: .candle, data: ["n": .int(Int64(number))]))
    }
}

/// Runs what blocks on a thread of its own: the pool that runs the tasks has only as many threads as there are cores.
func offPool<T: Sendable>(_ body: @escaping @Sendable () -> T) async -> T {
    // The result goes by a lock that ThreadSanitizer sees: how a continuation hands it over, when it is resumed before it is awaited, it does not.
    let result = Locked<T?>(nil)
    await withCheckedContinuation { continuation in
        do {
            try LoopThread {
                let value = body()
                result.withLock { $0 = value }
                continuation.resume()
            }.detach()
        } catch {
            preconditionFailure("\(error)")
        }
    }
    guard let value = result.withLock({ $0 }) else { preconditionFailure("the thread has left its result") }
    return value
}

/// What `body` returns, or nil when that takes longer than `seconds`: then it is left behind.
func within<T: Sendable>(seconds: Int = 120, _ body: @escaping @Sendable () async throws -> T) async throws -> T? {
    let (stream, continuation) = AsyncStream<Result<T, any Error>?>.makeStream()
    let work = Task {
        do { continuation.yield(.success(try await body())) } catch { continuation.yield(.failure(error)) }
    }
    let clock = Task {
        try? await Task.sleep(for: .seconds(seconds))
        continuation.yield(nil)
    }
    defer {
        work.cancel()
        clock.cancel()
    }
    for await result in stream { return try result?.get() }
    return nil
}

/// Asks again until `condition` holds, for at most `seconds`: for what the gateway learns from a socket in its own time. However late it is, it has
/// asked a thousand times before it gives up: tests that compute may have kept every thread from this one, and from what it waits for, all the while.
func eventually(seconds: Int = 120, _ condition: () async throws -> Bool) async rethrows -> Bool {
    let end = Clocks.monotonicNanoseconds + UInt64(seconds) * 1_000_000_000
    var asked = 0
    while Clocks.monotonicNanoseconds < end || asked < 1000 {
        if try await condition() { return true }
        asked += 1
        await Task.yield()
    }
    return false
}

extension WebSocketManager {
    /// The board of a manager: for workers turned by hand, and for counts that no page shows.
    var switchboard: Switchboard {
        get throws { try #require(Mirror(reflecting: self).descendant("board") as? Switchboard) }
    }
}

import Curl
import EventLoop
import Glibc
import Logging
import Testing

@testable import WebSocketGateway

/// Nobody listens at port 1 of this machine: fetches fail at once. Those that do not are test_key_sets.py's.
@Suite("The thread that fetches the key set")
struct KeySetThreadTests {
    private let source: KeySetSource
    private let door: TokenDoor
    private let log = GatewayLog(Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    private static let unreachable = KeySetOutcome.failed(FetchFailure(.unreachable, "")).index

    init() throws {
        var settings = GatewaySettings()
        settings.tokenKeySet = "http://127.0.0.1:1/"
        settings.keySetUnknownKeyInterval = .milliseconds(10)
        source = try #require(try KeySetSource.read(settings))
        door = TokenDoor(try TokenKeys.read(settings))
    }

    @Test func `the start waits for the first fetch, and not for a good one`() async throws {
        let thread = KeySetThread(source)
        try await thread.start(door, log)
        #expect(thread.counters.value(.keySetFetches, label: Self.unreachable) >= 1)
        #expect(door.keysCount == 0)
        #expect(thread.ageSeconds > 0)
        await thread.stop()
    }

    @Test func `whoever meets an unknown key, an operator and the end come at any time`() async throws {
        let thread = KeySetThread(source)
        try await thread.start(door, log)
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<200 {
                group.addTask { [source, door] in
                    thread.noteUnknownKey()
                    if number % 10 == 0 { thread.refresh(source) }
                    _ = (thread.ageSeconds, door.keysCount, thread.counters.value(.keySetFetches))
                    if number == 150 { await thread.stop() }
                }
            }
        }
        await thread.stop()
        let fetches = thread.counters.value(.keySetFetches, label: Self.unreachable)
        thread.noteUnknownKey()
        thread.refresh(source)
        #expect(thread.counters.value(.keySetFetches, label: Self.unreachable) == fetches)
    }

    @Test func `one that was never started stops, and does nothing for anybody`() async {
        let thread = KeySetThread(source)
        thread.noteUnknownKey()
        thread.refresh(source)
        await thread.stop()
        await thread.stop()
    }

    @Test func `a gateway starts and stops without keys, more than once in a process`() async throws {
        for _ in 0..<3 {
            var settings = GatewaySettings()
            (settings.listen, settings.control, settings.workers) = ("127.0.0.1:0", "127.0.0.1:0", 1)
            settings.tokenKeySet = "http://127.0.0.1:1/"
            let manager = try WebSocketManager(settings, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            _ = try await manager.start()
            #expect(manager.metrics.contains("wsg_token_keys 0\n"))
            #expect(try manager.reload().files == ["token keys, being fetched"])
            await manager.stop()
        }
    }

    @Test func `a gateway that is stopped while its start waits for keys does not start, and frees nothing twice`() async throws {
        // It takes connections and says nothing.
        let issuer = try BoundSocket.bind(SocketAddress(parsing: "127.0.0.1:0")!, count: 1)[0]
        defer { issuer.close() }
        var settings = GatewaySettings()
        (settings.listen, settings.control, settings.workers) = ("127.0.0.1:0", "127.0.0.1:0", 2)
        (settings.tokenKeySet, settings.keySetTimeout) = ("http://\(issuer.address)/", .seconds(60))
        let manager = try WebSocketManager(settings, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let starting = Task { try await manager.start() }
        // The fetch has begun.
        let isFetched = await eventually {
            var wanted = pollfd(fd: issuer.descriptor, events: Int16(POLLIN), revents: 0)
            return unsafe poll(&wanted, 1, 0) == 1
        }
        #expect(isFetched)
        await manager.stop()
        await #expect(throws: StartError.self) { try await starting.value }
    }
}

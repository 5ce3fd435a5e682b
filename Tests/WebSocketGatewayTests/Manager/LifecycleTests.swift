import EventLoop
import Sessions
import Synchronization
import Testing

@testable import WebSocketGateway

@Suite("The manager: beginning and end")
struct LifecycleTests {
    private let event = Event(type: .candle, data: [:])

    @Test(arguments: [1, 2, 4])
    func `after a stop every call returns, and says so`(workers: Int) async throws {
        let manager = try WebSocketManager(TestGateway.settings(workers: workers))
        _ = try await manager.start()
        await manager.stop()
        let event = event
        let isDone: Void? = try await within {
            await #expect(throws: PublishRefusal.gatewayStopped) { try await manager.broadcastToSession("s", event) }
            #expect(try await manager.broadcastToAll(event) == .refused(.gatewayStopped))
            #expect(try await manager.connectionCount() == 0)
            #expect(try await manager.connectionCount("s") == 0)
            #expect(try await manager.sessionConnections("s").isEmpty)
            #expect(try await !manager.endSession("s"))
            #expect(await manager.sessions().isEmpty)
            #expect(await manager.cleanupStaleConnections() == 0)
            let id = try #require(ConnectionID("00000000-0000-4000-8000-000000000000"))
            #expect(await !manager.isConnected(id))
            #expect(await !manager.disconnect(id))
            #expect(await manager.connectionMetadata(id) == nil)
            #expect(try await !manager.sendToConnection(id, event))
            #expect(manager.metrics.contains("wsg_connections{kind=\"backtest\"} 0\n"))
            await manager.stop()
            await manager.drain()
        }
        #expect(isDone != nil, "a call did not return")
    }

    @Test func `after a stop a registration is refused as stopped`() async throws {
        let manager = try WebSocketManager(TestGateway.settings(workers: 1))
        _ = try await manager.start()
        await manager.stop()
        await #expect(throws: PublishRefusal.gatewayStopped) { try await manager.registerSession("s") }
    }

    @Test func `a gateway that was stopped without a start answers too`() async throws {
        let manager = try WebSocketManager(TestGateway.settings(workers: 2))
        await manager.stop()
        let event = event
        let isDone: Void? = try await within(seconds: 5) {
            await #expect(throws: PublishRefusal.gatewayStopped) { try await manager.broadcastToSession("s", event) }
            _ = try? await manager.connectionCount("s")
        }
        #expect(isDone != nil, "a call did not return")
    }

    @Test(arguments: [1, 2, 4])
    func `a stop cuts the clients and frees the port`(workers: Int) async throws {
        let manager = try WebSocketManager(TestGateway.settings(workers: workers))
        let port = try #require(SocketAddress(parsing: await manager.start().listen)).port
        let client = try #require(await offPool { SocketClient(port: port, "s") })
        let waiting = try #require(await offPool { RawClient(port: port) })
        await manager.stop()
        _ = await offPool { client.rest() }
        // It is told what a drain would tell, as far as one send goes.
        if case .closed(1012, _)? = client.end {} else { #expect(client.end == .cut || client.end == .lost) }
        #expect(await offPool { (waiting.receive() ?? []).isEmpty })
        #expect(RawClient(port: port) == nil)
        #expect(try await manager.connectionCount() == 0)
        waiting.close()
    }

    @Test(arguments: [1, 2, 4], 0..<5)
    func `a stop with calls in flight lets all of them return`(workers: Int, round: Int) async throws {
        let manager = try WebSocketManager(TestGateway.settings(workers: workers))
        let port = try #require(SocketAddress(parsing: await manager.start().listen)).port
        let clients = try await offPool { (0..<4).map { SocketClient(port: port, "s\($0 % 2)") } }.map { try #require($0) }
        let id = try #require(ConnectionID(clients[0].id))
        let event = event
        let begun = Begun()
        let callers = 32
        let isDone: Void? = try await within {
            await withTaskGroup(of: Void.self) { group in
                for caller in 0..<callers {
                    group.addTask {
                        // Until the gateway says that it has stopped.
                        var isStopped = false
                        while !isStopped {
                            do {
                                _ = try await manager.broadcastToSession("s\(caller % 5)", event)
                            } catch {
                                isStopped = error as? PublishRefusal == .gatewayStopped
                                #expect(isStopped, "\(error)")
                            }
                            begun.count.add(1, ordering: .relaxed)
                            switch caller % 6 {
                            case 0: _ = try? await manager.broadcastToAll(event)
                            case 1: _ = try? await manager.sendToConnection(id, event)
                            case 2: _ = try? await manager.connectionCount("s0")
                            case 3: _ = await manager.sessions()
                            case 4: _ = try? await manager.endSession("s4")
                            default: _ = await manager.connectionMetadata(id)
                            }
                        }
                    }
                }
                group.addTask {
                    _ = await eventually { begun.count.load(ordering: .relaxed) > 100 + round * 37 }
                    await manager.stop()
                }
            }
        }
        #expect(isDone != nil, "a call never returned")
        for client in clients { client.close() }
    }

    /// Calls that have returned.
    private final class Begun: Sendable { let count = Atomic<Int>(0) }

    @Test func `what is posted behind the order to stop, in the same turn, is answered`() async throws {
        let manager = try WebSocketManager(TestGateway.settings(workers: 1))
        let board = try manager.switchboard
        let session = try SessionID("s")
        let request = try board.request(event, session: session, reply: .nobody)
        let (first, second, toAll, asked) = (Answers<Bool>(), Answers<Bool>(), Answers<Int>(), Answers<Int>())
        // The worker has not begun: all of this will be one batch of its mailbox.
        @Sendable func publish(_ answers: Answers<Bool>) {
            answers.wait { continuation in
                var request = request
                request.reply = .publishCall { continuation.resume(returning: $0) }
                board.mailboxes[0].post(.publish(request))
            } map: { result in
                if case .success = result { true } else { false }
            }
        }
        publish(first)
        let isFirst = await eventually { first.isPosted }
        board.mailboxes[0].post(.stop)
        publish(second)
        toAll.wait { continuation in
            var request = request
            request.reply = .broadcastCall { continuation.resume(returning: $0) }
            board.mailboxes[0].post(.publishToAll(request))
        } map: {
            $0.connections
        }
        asked.wait { continuation in
            board.mailboxes[0].post(.call { continuation.resume(returning: $0?.index ?? -1) })
        } map: {
            $0
        }
        let isPosted = await eventually { second.isPosted && toAll.isPosted && asked.isPosted }
        #expect(isFirst && isPosted)
        try await offPool { Result { try WorkerCore(board, index: 0).run() } }.get()
        let isAnswered = await eventually(seconds: 5) {
            first.value != nil && second.value != nil && toAll.value != nil && asked.value != nil
        }
        #expect(isAnswered, "published \(first), behind the stop \(second), to all \(toAll), asked \(asked)")
        #expect(first.value == true, "what came before the stop is published")
        #expect(second.value == false)
        #expect(toAll.value == 0)
        #expect(asked.value == 0)
    }

    /// One answer that a task of its own waits for.
    private final class Answers<T: Sendable>: Sendable, CustomStringConvertible {
        private let state = Locked<(isPosted: Bool, value: T?)>((false, nil))
        var isPosted: Bool { state.withLock(\.isPosted) }
        var value: T? { state.withLock(\.value) }
        var description: String { value.map { "\($0)" } ?? "never answered" }

        func wait<Raw: Sendable>(_ post: @escaping @Sendable (CheckedContinuation<Raw, Never>) -> Void, map: @escaping @Sendable (Raw) -> T)
        {
            Task {
                let raw = await withCheckedContinuation { continuation in
                    post(continuation)
                    state.withLock { $0.isPosted = true }
                }
                state.withLock { $0.value = map(raw) }
            }
        }
    }

    // MARK: Draining

    @Test(arguments: [1, 2, 4])
    func `draining closes every client with 1012 and waits for them`(workers: Int) async throws {
        let manager = try WebSocketManager(TestGateway.settings(workers: workers))
        let port = try #require(SocketAddress(parsing: await manager.start().listen)).port
        let clients = try await offPool { (0..<8).map { SocketClient(port: port, "s\($0 % 3)") } }.map { try #require($0) }
        _ = try await manager.broadcastToSession("s0", event)
        async let ends = offPool {
            clients.map { client in
                let events = client.rest()
                client.close()
                return (events.count, client.end)
            }
        }
        let isDone: Void? = try await within { await manager.drain() }
        #expect(isDone != nil)
        for (i, (events, end)) in await ends.enumerated() {
            #expect(events == (i % 3 == 0 ? 1 : 0), "what was published before comes first")
            guard case .closed(1012, let reason)? = end else {
                Issue.record("client \(i) ended by \(String(describing: end))")
                continue
            }
            #expect(
                reason.wholeMatch(of: /draining; retry-after-ms=(\d+)/).flatMap { Int($0.1) }.map { (500...3000).contains($0) } == true,
                "\(reason)")
        }
        #expect(RawClient(port: port) == nil)
        await #expect(throws: PublishRefusal.gatewayStopped) { try await manager.broadcastToSession("s", event) }
    }

    @Test func `clients that do not leave are cut when the close time-out is over`() async throws {
        let manager = try WebSocketManager(TestGateway.settings(workers: 2) { $0.closeTimeout = .milliseconds(100) })
        let port = try #require(SocketAddress(parsing: await manager.start().listen)).port
        let clients = try await offPool { (0..<4).map { _ in SocketClient(port: port, "s") } }.map { try #require($0) }
        let isDone: Void? = try await within { await manager.drain() }
        #expect(isDone != nil)
        for client in clients { client.close() }
    }

    @Test func `the drain time-out ends it all the same`() async throws {
        let manager = try WebSocketManager(
            TestGateway.settings(workers: 2) {
                $0.closeTimeout = .seconds(3600)
                $0.drainTimeout = .milliseconds(100)
            })
        let port = try #require(SocketAddress(parsing: await manager.start().listen)).port
        let clients = try await offPool { (0..<4).map { _ in SocketClient(port: port, "s") } }.map { try #require($0) }
        let isDone: Void? = try await within { await manager.drain() }
        #expect(isDone != nil)
        for client in clients { client.close() }
    }

    @Test func `a client that is let in while its worker drains is closed with 1012 like the others`() async throws {
        // Two workers turned by hand: the home answers only after the client's worker began to drain.
        let manager = try WebSocketManager(TestGateway.settings(workers: 2))
        let board = try manager.switchboard
        let session = try #require((0..<1000).map { "s\($0)" }.first { board.home(of: try! SessionID($0)) == 1 })
        let outcome = await offPool { () -> String in
            do {
                let bound = try BoundSocket.bind(board.startPlan.listen, count: 1)[0]
                let port = bound.address.port
                let (core, home) = (try WorkerCore(board, index: 0), try WorkerCore(board, index: 1))
                try core.listen(bound, control: nil)
                let end = Locked<String?>(nil)
                let client = try LoopThread {
                    guard let client = SocketClient(port: port, session) else { return end.withLock { $0 = "not let in" } }
                    _ = client.rest()
                    client.close()
                    end.withLock { $0 = "\(client.end!)" }
                }
                // Until the request has been read and its home asked.
                let asked = turn(core) { board.counters[0].value(.receivedBytes) > 0 }
                board.mailboxes[0].post(.drain)
                for _ in 0..<20 { core.loop.runOnce() }
                for _ in 0..<20 { home.loop.runOnce() }
                let ended = turn(core) { end.withLock { $0 != nil } }
                for one in [core, home] {
                    one.stop()
                    one.run()
                }
                client.join()
                return asked && ended ? end.withLock { $0! } : "asked \(asked), ended \(ended): it stays although the gateway drains"
            } catch { return "\(error)" }
        }
        #expect(outcome == "not let in" || outcome.hasPrefix("closed(1012"), "\(outcome)")
    }

    @Test(arguments: ["", "GET /ws/backtest/s HT", "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"])
    func `a worker that was stopped in the middle of something is let go of, with all that it owned`(sent: String) async throws {
        let manager = try WebSocketManager(TestGateway.settings(workers: 1))
        let board = try manager.switchboard
        let outcome = await offPool { () -> String in
            do {
                weak var gone: WorkerCore?
                let bound = try BoundSocket.bind(board.startPlan.listen, count: 1)[0]
                let port = bound.address.port
                guard let client = RawClient(port: port) else { return "no client" }
                client.send([UInt8](sent.utf8))
                do {
                    let core = try WorkerCore(board, index: 0)
                    gone = core
                    try core.listen(bound, control: nil)
                    let isHere = turn(core) {
                        board.counters[0].value(.connectionsAccepted) > 0
                            && board.counters[0].value(.receivedBytes) == UInt64(sent.utf8.count)
                    }
                    guard isHere else { return "it did not come" }
                    core.stop()
                    core.run()
                }
                client.close()
                return gone == nil ? "gone" : "still there"
            } catch { return "\(error)" }
        }
        #expect(outcome == "gone")
    }

    // MARK: Starting

    @Test(arguments: [1, 2], [false, true])
    func `a port that is taken stops the start, by name`(workers: Int, isControl: Bool) async throws {
        let taken = try BoundSocket.bind(SocketAddress(parsing: "127.0.0.1:0")!, count: 1)[0]
        let manager = try WebSocketManager(
            TestGateway.settings(workers: workers) {
                if isControl { $0.control = taken.address.description } else { $0.listen = taken.address.description }
            })
        let error = await #expect(throws: StartError.self) { try await manager.start() }
        #expect(
            error?.reason
                == "cannot listen on \(taken.address): address already in use; another program, perhaps another gateway, has it; choose another address (port 0: the kernel chooses)"
        )
        taken.close()
    }

    @Test func `a start that fails leaves nothing open`() async {
        // In a process of its own: other tests open descriptors too.
        await #expect(processExitsWith: .success) {
            let taken = try BoundSocket.bind(SocketAddress(parsing: "127.0.0.1:0")!, count: 1)[0]
            let (before, sockets) = (ProcessResources.openDescriptors, openSockets())
            for isControl in Array(repeating: [false, true], count: 10).flatMap(\.self) {
                let manager = try WebSocketManager(
                    TestGateway.settings(workers: 4) {
                        if isControl { $0.control = taken.address.description } else { $0.listen = taken.address.description }
                    })
                do {
                    _ = try await manager.start()
                    preconditionFailure("started")
                } catch {}
            }
            // Swift's own runtime opens a timer or two meanwhile.
            #expect(openSockets() == sockets)
            #expect(ProcessResources.openDescriptors <= before + 5)
        }
    }

    @Test func `gateways that come and go leave nothing open`() async {
        await #expect(processExitsWith: .success) {
            func round() async throws {
                let manager = try WebSocketManager(TestGateway.settings(workers: 4))
                let addresses = try await manager.start()
                let port = SocketAddress(parsing: addresses.listen)!.port
                let clients = await offPool { (0..<20).map { SocketClient(port: port, "s\($0)") } }
                for i in 0..<20 { _ = try await manager.broadcastToSession("s\(i)", .heartbeat()) }
                for client in clients { client?.close() }
                await manager.stop()
            }
            try await round()
            let (before, sockets) = (ProcessResources.openDescriptors, openSockets())
            for _ in 0..<5 { try await round() }
            // Swift's own runtime opens a timer or two meanwhile.
            #expect(openSockets() == sockets)
            #expect(ProcessResources.openDescriptors <= before + 5)
        }
    }

    @Test(arguments: [false, true])
    func `a second start throws`(isStopped: Bool) async {
        // In a process of its own: it may end badly.
        await #expect(processExitsWith: .success) { [isStopped] in
            let manager = try WebSocketManager(TestGateway.settings(workers: 2))
            _ = try await manager.start()
            if isStopped { await manager.stop() }
            await #expect(throws: StartError.self) { try await manager.start() }
            let isDone: Void? = try await within(seconds: 10) { await manager.stop() }
            #expect(isDone != nil)
        }
    }

    @Test func `settings that cannot be are refused before anything is opened`() {
        let error = #expect(throws: SettingsError.self) { try WebSocketManager(TestGateway.settings(workers: 65)) }
        #expect(error?.setting == "workers")
    }

    @Test func `two gateways in one program do not know each other`() async throws {
        try await TestGateway.run(workers: 2) { one in
            try await TestGateway.run(workers: 2) { other in
                #expect(one.port != other.port)
                let client = try await one.join("s")
                #expect(try await other.publish(1, to: "s").connections == 0)
                #expect(try await one.publish(1, to: "s").connections == 1)
                #expect(await offPool { client.nextEvent() }?.sequence == 1)
            }
        }
    }
}

/// Turns one worker's loop until `isDone`, for at most five seconds.
private func turn(_ core: WorkerCore, until isDone: () -> Bool) -> Bool {
    let end = Clocks.monotonicNanoseconds + 5_000_000_000
    while !isDone() {
        guard Clocks.monotonicNanoseconds < end else { return false }
        core.loop.runOnce()
    }
    return true
}

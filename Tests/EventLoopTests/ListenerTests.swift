import Glibc
import Testing

@testable import EventLoop

@Suite("Listening")
struct ListenerTests {
    private let loopback = SocketAddress(parsing: "127.0.0.1:0")!

    @Test func `the kernel chooses a port, and clients are accepted with their address`() throws {
        let service = try Service(EventLoop())
        #expect(service.port != 0)
        #expect(service.address.host == "127.0.0.1")
        let client = try #require(RawClient(port: service.port))
        let accepted = service.accept()
        #expect(accepted)
        #expect(service.peers[0].isLoopback)
        #expect(service.peers[0].port != 0)
        client.close()
        let ended = service.end()
        #expect(ended)
        #expect(RawClient(port: service.port) == nil, "nobody listens any more")
    }

    @Test func `an IPv6 listener takes IPv6 only`() throws {
        guard let bound = try? BoundSocket.bind(SocketAddress(parsing: "[::1]:0")!, count: 2) else { return }
        #expect(bound[0].address.host == "::1")
        // Asked of the socket: on the same port of IPv4 another test may listen.
        for socket in bound {
            var only: Int32 = 0
            var length = socklen_t(MemoryLayout<Int32>.size)
            #expect(unsafe getsockopt(socket.descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &only, &length) == 0)
            #expect(only == 1)
            socket.close()
        }
    }

    @Test(arguments: ["127.0.0.1:0", "[::1]:0"])
    func `accepted connections have the options of their listener`(address: String) throws {
        let options = ConnectionOptions(unsentLowWaterBytes: 12_345, sendBufferBytes: 20_000)
        guard let bound = try? BoundSocket.bind(SocketAddress(parsing: address)!, count: 1, options)[0] else { return }
        let loop = try EventLoop()
        var accepted: Int32?
        let listener = try Listener(loop, bound, accepted: { descriptor, _ in accepted = descriptor }, refused: { _ in })
        let client = bound.address.isIPv4 ? RawClient(port: bound.address.port) : nil
        #expect((client != nil) == bound.address.isIPv4)
        if client != nil {
            let isAccepted = loop.turn { accepted != nil }
            #expect(isAccepted)
        }
        // Without IPv6 clients at hand the listener's own are looked at.
        let descriptor = accepted ?? bound.descriptor
        func option(_ level: Int32, _ name: Int32) -> Int32 {
            var value: Int32 = -1
            var length = socklen_t(MemoryLayout<Int32>.size)
            unsafe getsockopt(descriptor, level, name, &value, &length)
            return value
        }
        #expect(option(Int32(IPPROTO_TCP), TCP_NODELAY) == 1)
        #expect(option(Int32(IPPROTO_TCP), TCP_NOTSENT_LOWAT) == 12_345)
        // The kernel doubles it for its own bookkeeping (man 7 socket).
        #expect(option(SOL_SOCKET, SO_SNDBUF) == 40_000)
        client?.close()
        if let accepted { close(accepted) }
        listener.close()
        loop.run()
    }

    @Test func `two sockets share one port`() throws {
        let loop = try EventLoop()
        let bound = try BoundSocket.bind(loopback, count: 2)
        #expect(bound.count == 2)
        #expect(bound[0].address == bound[1].address)
        #expect(bound[0].descriptor != bound[1].descriptor)
        var accepted = [0, 0]
        let listeners = try bound.enumerated().map { index, socket in
            try Listener(
                loop, socket,
                accepted: { descriptor, _ in
                    accepted[index] += 1
                    close(descriptor)
                }, refused: { _ in })
        }
        // By chance alone one of them stays without any of 64 once in 2⁶³ runs.
        let clients = try (0..<64).map { _ in try #require(RawClient(port: bound[0].address.port)) }
        let all = loop.turn { accepted[0] + accepted[1] == 64 }
        #expect(all)
        #expect(accepted[0] > 0 && accepted[1] > 0, "\(accepted)")
        for client in clients { client.close() }
        for listener in listeners { listener.close() }
        let ended = loop.turnToEnd()
        #expect(ended)
    }

    @Test(arguments: [1, 2, 4], [1, 2, 4])
    func `a port that a gateway holds is refused as in use`(holders: Int, wanted: Int) throws {
        let bound = try BoundSocket.bind(loopback, count: holders)
        let error = #expect(throws: SystemError.self) { try BoundSocket.bind(bound[0].address, count: wanted) }
        #expect(error?.isAddressInUse == true)
        #expect(error?.description == "bind \(bound[0].address): address already in use")
        for socket in bound { socket.close() }
        let freed = try BoundSocket.bind(bound[0].address, count: wanted)
        #expect(freed.count == wanted, "given back, the port is free")
        for socket in freed { socket.close() }
    }

    @Test(arguments: [1, 2])
    func `a port that somebody listens on is refused as in use`(wanted: Int) throws {
        let other = try #require(RawSocket(reusesAddress: true))
        other.sharePort()
        #expect(other.listens())
        let error = #expect(throws: SystemError.self) { try BoundSocket.bind(loopback.with(port: other.port), count: wanted) }
        #expect(error?.isAddressInUse == true)
        other.close()
    }

    @Test(arguments: [1, 2])
    func `a port that somebody has only bound is refused as in use`(wanted: Int) throws {
        let other = try #require(RawSocket())
        let error = #expect(throws: SystemError.self) { try BoundSocket.bind(loopback.with(port: other.port), count: wanted) }
        #expect(error?.isAddressInUse == true)
        other.close()
    }

    @Test func `of two gateways that start at the same moment one gets the port`() throws {
        // The other one is stopped in the middle of BoundSocket.bind, between its first bind and its listen.
        let other = try #require(RawSocket(reusesAddress: true))
        let ours = try? BoundSocket.bind(loopback.with(port: other.port), count: 2)
        let theirs = other.listens()
        #expect(!(ours != nil && theirs), "both listen on port \(other.port), and the kernel deals the clients out to them")
        for socket in ours ?? [] { socket.close() }
        other.close()
    }

    @Test func `an address of another machine cannot be bound, and nothing stays open`() throws {
        // 192.0.2.0/24 is for documentation (RFC 5737).
        let error = #expect(throws: SystemError.self) { try BoundSocket.bind(SocketAddress(parsing: "192.0.2.1:0")!, count: 2) }
        #expect(error?.errno == EADDRNOTAVAIL)
        #expect(error?.isAddressInUse == false)
    }

    @Test func `a paused listener leaves clients in the kernel's queue until it resumes`() throws {
        let loop = try EventLoop()
        let bound = try BoundSocket.bind(loopback, count: 1)[0]
        var accepted = 0
        let listener = try Listener(
            loop, bound,
            accepted: { descriptor, _ in
                accepted += 1
                close(descriptor)
            }, refused: { _ in })
        listener.pause()
        let client = try #require(RawClient(port: bound.address.port))
        for _ in 0..<50 { loop.runOnce() }
        #expect(accepted == 0)
        listener.resume()
        let resumed = loop.turn { accepted == 1 }
        #expect(resumed)
        client.close()
        listener.close()
        let ended = loop.turnToEnd()
        #expect(ended)
    }

    @Test func `closing takes those who wait in the queue first`() throws {
        let loop = try EventLoop()
        let bound = try BoundSocket.bind(loopback, count: 1)[0]
        var accepted = 0
        let listener = try Listener(
            loop, bound,
            accepted: { descriptor, _ in
                accepted += 1
                close(descriptor)
            }, refused: { _ in })
        let clients = try (0..<10).map { _ in try #require(RawClient(port: bound.address.port)) }
        listener.close()
        #expect(accepted == 10)
        listener.close()
        listener.pause()
        listener.resume()
        for client in clients { client.close() }
        let ended = loop.turnToEnd()
        #expect(ended)
    }

    @Test func `a listener may be closed while it accepts`() throws {
        let loop = try EventLoop()
        let bound = try BoundSocket.bind(loopback, count: 1)[0]
        var listener: Listener?
        var accepted = 0
        listener = try Listener(
            loop, bound,
            accepted: { descriptor, _ in
                accepted += 1
                close(descriptor)
                listener?.close()
            }, refused: { _ in })
        let clients = try (0..<5).map { _ in try #require(RawClient(port: bound.address.port)) }
        let ended = loop.turnToEnd()
        #expect(ended)
        #expect(accepted == 5)
        for client in clients { client.close() }
        listener = nil
    }

    @Test func `a connect storm is taken in batches, so that the loop turns between them`() throws {
        let loop = try EventLoop()
        let bound = try BoundSocket.bind(loopback, count: 1)[0]
        var (accepted, inThisTurn, mostInATurn) = (0, 0, 0)
        let listener = try Listener(
            loop, bound,
            accepted: { descriptor, _ in
                accepted += 1
                inThisTurn += 1
                close(descriptor)
            }, refused: { _ in })
        loop.onTurn = {
            mostInATurn = max(mostInATurn, inThisTurn)
            inThisTurn = 0
        }
        let clients = try (0..<200).map { _ in try #require(RawClient(port: bound.address.port)) }
        let all = loop.turn { accepted == 200 }
        #expect(all)
        // libuv may ask the kernel again within a turn, 48 times at most; what counts is that one call stops.
        #expect(mostInATurn <= 200)
        #expect(Listener.batchMax == 64)
        loop.onTurn = nil
        for client in clients { client.close() }
        listener.close()
        let ended = loop.turnToEnd()
        #expect(ended)
    }

    @Test func `without descriptors accepting pauses, says so, and goes on later`() async {
        // In a process of its own: it runs out of descriptors.
        await #expect(processExitsWith: .success) {
            let loop = try EventLoop()
            let bound = try BoundSocket.bind(SocketAddress(parsing: "127.0.0.1:0")!, count: 1)[0]
            var accepted = 0
            var refusals: [SystemError] = []
            let listener = try Listener(
                loop, bound,
                accepted: { descriptor, _ in
                    accepted += 1
                    close(descriptor)
                }, refused: { refusals.append($0) })
            let client = RawClient(port: bound.address.port)!
            var limit = rlimit()
            unsafe getrlimit(__rlimit_resource_t(7), &limit)
            let before = limit
            // Every number up to the highest one is taken: none is left.
            limit.rlim_cur = rlim_t(dup(0))
            unsafe setrlimit(__rlimit_resource_t(7), &limit)
            var filled: [Int32] = []
            while case let descriptor = dup(0), descriptor >= 0 { filled.append(descriptor) }
            precondition(loop.turn { !refusals.isEmpty }, "was told")
            precondition(refusals[0].errno == EMFILE && accepted == 0, "told why")
            for _ in 0..<50 { loop.runOnce() }
            precondition(refusals.count == 1, "paused")
            var restored = before
            unsafe setrlimit(__rlimit_resource_t(7), &restored)
            for descriptor in filled { close(descriptor) }
            listener.resume()
            precondition(loop.turn { accepted == 1 }, "went on")
            client.close()
            listener.close()
            precondition(loop.turnToEnd())
        }
    }
}

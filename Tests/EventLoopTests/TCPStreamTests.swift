import Glibc
import Synchronization
import Testing

@testable import EventLoop

@Suite("TCP streams")
struct TCPStreamTests {
    private func bytes(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) } }

    @Test func `a mebibyte is echoed through a slow reader by partial sends`() throws {
        let loop = try EventLoop()
        let sent = bytes(1_048_576)
        var pending: [UInt8] = []
        var partialSends = 0
        func flush(_ stream: TCPStream) {
            guard case .sent(let count) = stream.send(pending.span) else {
                Issue.record("the connection broke")
                return
            }
            pending.removeFirst(count)
            if pending.isEmpty {
                stream.startReading()
            } else {
                partialSends += 1
                stream.pauseReading()
                stream.waitUntilWritable()
            }
        }
        var hasEnded = false
        let service = try Service(loop) { stream, recorder in
            stream.setSendBuffer(bytes: 8192)
            recorder.onReceive = { [unowned recorder] stream in
                pending += recorder.received
                recorder.received = []
                flush(stream)
            }
            recorder.onWritable = { stream in
                flush(stream)
                if hasEnded, pending.isEmpty { stream.close() }
            }
            recorder.onEnd = { stream in
                hasEnded = true
                if pending.isEmpty { stream.close() } else { flush(stream) }
            }
            stream.startReading()
        }
        let client = try #require(RawClient(port: service.port, receiveBufferBytes: 4096))
        let echoed = Locked<[UInt8]?>(nil)
        let isDone = Atomic<Bool>(false)
        let writer = try LoopThread {
            client.send(sent)
            client.finishSending()
        }
        let reader = try LoopThread {
            let all = client.receiveToEnd(max: 1500)
            echoed.withLock { $0 = all }
            isDone.store(true, ordering: .releasing)
        }
        let done = loop.turn(seconds: 60) { isDone.load(ordering: .acquiring) }
        #expect(done)
        writer.join()
        reader.join()
        #expect(echoed.withLock { $0 == sent })
        #expect(partialSends > 10, "the reader was not slow: \(partialSends)")
        client.close()
        let ended = service.end()
        #expect(ended)
    }

    @Test func `after the peer's FIN this side still sends`() throws {
        let service = try Service(EventLoop())
        let client = try #require(RawClient(port: service.port))
        let accepted = service.accept()
        #expect(accepted)
        client.send(Array("last words".utf8))
        client.finishSending()
        let (stream, recorder) = (service.streams[0], service.recorders[0])
        let ended = service.loop.turn { recorder.ends == 1 }
        #expect(ended)
        #expect(recorder.received == Array("last words".utf8))
        for _ in 0..<50 { service.loop.runOnce() }
        #expect(recorder.ends == 1, "the end is told once")
        #expect(!stream.isReading)
        let answer = Array("farewell".utf8)
        #expect(stream.send(answer.span) == .sent(8))
        stream.finishSending()
        #expect(client.receiveToEnd() == answer)
        #expect(recorder.failures.isEmpty)
        client.close()
        let over = service.end()
        #expect(over)
    }

    @Test func `after our own FIN the peer's bytes still arrive`() throws {
        let service = try Service(EventLoop())
        let client = try #require(RawClient(port: service.port))
        _ = service.accept()
        service.streams[0].finishSending()
        #expect(client.receive() == [])
        client.send([1, 2, 3])
        let arrived = service.loop.turn { service.recorders[0].received == [1, 2, 3] }
        #expect(arrived)
        client.close()
        let over = service.end()
        #expect(over)
    }

    @Test func `a reset is a failure, told once, and no trap`() throws {
        let service = try Service(EventLoop()) { stream, recorder in
            recorder.onFailure = { _ in }
            stream.startReading()
        }
        let client = try #require(RawClient(port: service.port))
        _ = service.accept()
        client.reset()
        let (stream, recorder) = (service.streams[0], service.recorders[0])
        let failed = service.loop.turn { !recorder.failures.isEmpty }
        #expect(failed)
        for _ in 0..<50 { service.loop.runOnce() }
        #expect(recorder.failures == [SystemError("use a connection", errno: ECONNRESET)])
        // Neither a SIGPIPE nor a trap: the same answer as often as one asks.
        let more: [UInt8] = [1]
        for _ in 0..<3 {
            guard case .failed = stream.send(more.span) else {
                Issue.record("a send on a broken connection succeeded")
                continue
            }
        }
        let over = service.end()
        #expect(over)
    }

    @Test func `what the peer said before a reset is heard first, also by who notices it in a send`() throws {
        for sendsFirst in [false, true] {
            let service = try Service(EventLoop())
            let client = try #require(RawClient(port: service.port))
            _ = service.accept()
            let (stream, recorder) = (service.streams[0], service.recorders[0])
            client.send([1, 2, 3])
            client.reset()
            if sendsFirst {
                guard case .failed(let error) = stream.send([4].span) else {
                    Issue.record("a send on a broken connection succeeded")
                    continue
                }
                stream.sendingFailed(error)
                #expect(recorder.received.isEmpty && recorder.failures.isEmpty, "the caller is not told within its call")
            }
            let failed = service.loop.turn { !recorder.failures.isEmpty }
            #expect(failed)
            #expect(recorder.received == [1, 2, 3])
            #expect(recorder.failures.count == 1 && recorder.ends == 0)
            let over = service.end()
            #expect(over)
        }
    }

    /// The loop's read buffer holds 64 KiB.
    @Test(arguments: [false, true])
    func `all that the peer said before a reset is heard, also by who answers the first of it in vain`(answers: Bool) throws {
        let said = bytes(200_000)
        let service = try Service(EventLoop()) { stream, _ in
            var bytes: Int32 = 1_000_000
            unsafe setsockopt(stream.descriptor, SOL_SOCKET, SO_RCVBUF, &bytes, socklen_t(MemoryLayout<Int32>.size))
        }
        let client = try #require(RawClient(port: service.port))
        _ = service.accept()
        let (stream, recorder) = (service.streams[0], service.recorders[0])
        if answers {
            recorder.onReceive = { [unowned recorder] stream in
                if recorder.received.count <= 65_536 { client.reset() }
                if case .failed(let error) = stream.send([1].span) { stream.sendingFailed(error) }
            }
        }
        client.send(said)
        var peeked = [UInt8](repeating: 0, count: said.count)
        let isThere = service.loop.turn { unsafe recv(stream.descriptor, &peeked, peeked.count, Int32(MSG_PEEK)) == said.count }
        #expect(isThere)
        if !answers { client.reset() }
        stream.startReading()
        let failed = service.loop.turn { !recorder.failures.isEmpty }
        #expect(failed)
        #expect(recorder.received == said)
        #expect(recorder.failures.count == 1 && recorder.ends == 0)
        let over = service.end()
        #expect(over)
    }

    @Test func `a reset is noticed while only waiting to write`() throws {
        let service = try Service(EventLoop()) { _, _ in }
        let client = try #require(RawClient(port: service.port, receiveBufferBytes: 4096))
        _ = service.accept()
        let stream = service.streams[0]
        let filler = bytes(65_536)
        while stream.send(filler.span) != .sent(0) {}
        stream.waitUntilWritable()
        client.reset()
        let failed = service.loop.turn { !service.recorders[0].failures.isEmpty }
        #expect(failed)
        #expect(stream.isClosed)
        let over = service.end()
        #expect(over)
    }

    @Test func `a connection to a port nobody listens on fails`() throws {
        let bound = try BoundSocket.bind(SocketAddress(parsing: "127.0.0.1:0")!, count: 1)[0]
        bound.close()
        let loop = try EventLoop()
        let recorder = Recorder()
        do throws(SystemError) {
            _ = try TCPStream.connect(loop, to: bound.address, handler: recorder)
            let failed = loop.turn { !recorder.failures.isEmpty }
            #expect(failed)
            #expect(recorder.failures.first?.errno == ECONNREFUSED)
            #expect(recorder.writables == 0)
        } catch {
            #expect(error.errno == ECONNREFUSED)
        }
        let ended = loop.turnToEnd()
        #expect(ended)
    }

    @Test func `a connection to a listener becomes writable and carries bytes`() throws {
        let loop = try EventLoop()
        let service = try Service(loop)
        let recorder = Recorder()
        let stream = try TCPStream.connect(loop, to: service.address, handler: recorder)
        let connected = loop.turn { recorder.writables == 1 && !service.streams.isEmpty }
        #expect(connected)
        let greeting = Array("hello".utf8)
        #expect(stream.send(greeting.span) == .sent(5))
        let arrived = loop.turn { service.recorders[0].received == greeting }
        #expect(arrived)
        #expect(recorder.writables == 1, "told once")
        stream.close()
        let over = service.end()
        #expect(over)
    }

    @Test func `a paused stream leaves the bytes in the kernel`() throws {
        let service = try Service(EventLoop()) { _, _ in }
        let client = try #require(RawClient(port: service.port))
        _ = service.accept()
        let (stream, recorder) = (service.streams[0], service.recorders[0])
        client.send([1])
        for _ in 0..<50 { service.loop.runOnce() }
        #expect(recorder.received.isEmpty)
        #expect(!stream.isReading)
        stream.startReading()
        #expect(stream.isReading)
        let arrived = service.loop.turn { recorder.received == [1] }
        #expect(arrived)
        stream.pauseReading()
        client.send([2])
        for _ in 0..<50 { service.loop.runOnce() }
        #expect(recorder.received == [1])
        client.close()
        let over = service.end()
        #expect(over)
    }

    enum Moment: CaseIterable { case receiving, end, failure, writable, writableAndReadable }

    @Test(arguments: Moment.allCases)
    func `a stream may be closed within any of its calls`(moment: Moment) throws {
        var calls = 0
        let close: (TCPStream) -> Void = { stream in
            calls += 1
            stream.close()
            #expect(stream.isClosed)
            stream.close()
            // All without effect now.
            stream.startReading()
            stream.pauseReading()
            stream.waitUntilWritable()
            stream.finishSending()
        }
        let service = try Service(EventLoop()) { stream, recorder in
            recorder.onReceive = close
            recorder.onEnd = close
            recorder.onFailure = close
            recorder.onWritable = close
            if moment != .writable && moment != .writableAndReadable { stream.startReading() }
        }
        let client = try #require(RawClient(port: service.port))
        _ = service.accept()
        switch moment {
        case .receiving: client.send([1, 2, 3])
        case .end: client.finishSending()
        case .failure: client.reset()
        case .writable: service.streams[0].waitUntilWritable()
        case .writableAndReadable:
            client.send([1])
            service.streams[0].startReading()
            service.streams[0].waitUntilWritable()
        }
        let called = service.loop.turn { calls > 0 }
        #expect(called)
        for _ in 0..<20 { service.loop.runOnce() }
        #expect(calls == 1)
        if moment != .failure { client.close() }
        let over = service.end()
        #expect(over)
    }

    /// What is accepted, held by nothing but the loop.
    private final class Unheld {
        weak var stream: TCPStream?
        weak var owner: Recorder?
        private var listener: Listener!

        /// `prepare` is kept with the listener, and is given what would hold itself if it were captured.
        init(_ loop: EventLoop, _ bound: BoundSocket, prepare: @escaping (Recorder, Unheld) -> Void = { _, _ in }) throws {
            listener = try Listener(
                loop, bound,
                accepted: { [unowned self] descriptor, _ in
                    let accepted = Recorder()
                    guard let stream = try? TCPStream(loop, descriptor: descriptor) else { return }
                    prepare(accepted, self)
                    stream.setHandler(accepted)
                    stream.startReading()
                    (self.stream, owner) = (stream, accepted)
                }, refused: { _ in })
        }

        func stopListening() { listener.close() }
    }

    @Test func `a closed stream lets go of its owner and is let go of`() throws {
        let loop = try EventLoop()
        let bound = try BoundSocket.bind(SocketAddress(parsing: "127.0.0.1:0")!, count: 1)[0]
        let unheld = try Unheld(loop, bound)
        let client = try #require(RawClient(port: bound.address.port))
        let accepted = loop.turn { unheld.stream != nil }
        #expect(accepted)
        #expect(unheld.owner != nil, "an open stream keeps its owner")
        unheld.stream?.close()
        #expect(unheld.owner == nil)
        unheld.stopListening()
        let ended = loop.turnToEnd()
        #expect(ended)
        #expect(unheld.stream == nil)
        client.close()
    }

    @Test(arguments: [true, false])
    func `who closes a stream as it is told of bytes, or hands it on, is let go of behind the call`(closes: Bool) throws {
        let loop = try EventLoop()
        let next = Recorder()
        var calls = 0
        var isHeldInCall = false
        let bound = try BoundSocket.bind(SocketAddress(parsing: "127.0.0.1:0")!, count: 1)[0]
        let unheld = try Unheld(loop, bound) { owner, unheld in
            owner.onReceive = { stream in
                calls += 1
                if closes { stream.close() } else { stream.setHandler(next) }
                isHeldInCall = unheld.stream != nil && unheld.owner != nil
            }
        }
        let client = try #require(RawClient(port: bound.address.port))
        client.send([1])
        let told = loop.turn { calls == 1 }
        #expect(told && isHeldInCall)
        #expect(unheld.owner == nil && (unheld.stream == nil) == closes)
        if !closes {
            client.send([2])
            let handedOn = loop.turn { next.received == [2] }
            #expect(handedOn, "the next owner is told of what follows")
            unheld.stream?.close()
        }
        unheld.stopListening()
        let ended = loop.turnToEnd()
        #expect(ended)
        #expect(unheld.stream == nil)
        client.close()
    }

    @Test func `the same bytes go to each descriptor, and who did not take all of them is told with what happened`() throws {
        // Near ends that are written to, and far ends: one that reads, one whose buffers are full, one that is gone.
        let pairs = (0..<3).map { _ in
            var ends: [Int32] = [0, 0]
            #expect(unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0)
            return (near: ends[0], far: ends[1])
        }
        let filling = [UInt8](repeating: 1, count: 65_536)
        while unsafe write(pairs[1].near, filling, filling.count) > 0 {}
        close(pairs[2].far)

        let near = ContiguousArray(pairs.map(\.near))
        let message = bytes(1000)
        var exceptions: [(index: Int, result: SendResult)] = []
        var full = TCPStream.sendToEach(near.span, message.span) { exceptions.append(($0, $1)) }
        #expect(full == 1)
        #expect(exceptions.map(\.index) == [1, 2])
        #expect(exceptions[0].result == .sent(0))
        #expect(exceptions[1].result == .failed(SystemError("send", errno: EPIPE)))
        var received = [UInt8](repeating: 0, count: 2000)
        #expect(unsafe read(pairs[0].far, &received, received.count) == message.count)
        #expect(Array(received[..<message.count]) == message)

        exceptions = []
        let nothing: [UInt8] = []
        full = TCPStream.sendToEach(near.span, nothing.span) { exceptions.append(($0, $1)) }
        #expect(full == 0)
        #expect(exceptions.map(\.index) == [0, 1, 2], "without bytes nobody took all of them, and nobody is forgotten")
        for pair in pairs { close(pair.near) }
        for pair in pairs.dropLast() { close(pair.far) }
    }

    @Test func `what a peer does not read stays unsent with the kernel, and is seen there`() throws {
        var stream: TCPStream?
        let service = try Service(EventLoop()) { accepted, _ in stream = accepted }
        let client = try #require(RawClient(port: service.port, receiveBufferBytes: 4096))
        let isAccepted = service.accept()
        #expect(isAccepted)
        let sender = try #require(stream)
        #expect(!sender.hasUnsentBytes)
        let chunk = bytes(65_536)
        while case .sent(let count) = sender.send(chunk.span), count > 0 {}
        #expect(sender.hasUnsentBytes)
        #expect(sender.canCloseBehind(last: 0, ofLittle: true), "who has sent little does not ask")
        #expect(!sender.canCloseBehind(last: 0, ofLittle: false), "a close would leave them to the kernel")
        client.close()
        sender.reset()
        let ended = service.end()
        #expect(ended)
    }

    #if os(Linux)
    @Test func `the kernel is told how long a peer may leave unacknowledged what it was sent`() throws {
        var stream: TCPStream?
        let service = try Service(EventLoop()) { accepted, _ in stream = accepted }
        let client = try #require(RawClient(port: service.port))
        _ = service.accept()
        let sender = try #require(stream)
        sender.setUserTimeout(milliseconds: 75_000)
        var (value, length) = (Int32(0), socklen_t(MemoryLayout<Int32>.size))
        unsafe getsockopt(sender.descriptor, Int32(IPPROTO_TCP), TCP_USER_TIMEOUT, &value, &length)
        #expect(value == 75_000)
        sender.close()
        // Its number may be another's by now.
        sender.setUserTimeout(milliseconds: 1)
        client.close()
        let ended = service.end()
        #expect(ended)
    }
    #endif

    /// How many packets they are is the kernel's; that they come at all, and whole, is ours.
    @Test func `last bytes arrive before the end that follows them`() throws {
        let service = try Service(EventLoop())
        let client = try #require(RawClient(port: service.port))
        _ = service.accept()
        let last = Array("goodbye".utf8)
        #expect(service.streams[0].sendLast(last.span) == .sent(last.count))
        #expect(service.streams[0].canCloseBehind(last: last.count, ofLittle: false))
        service.streams[0].close()
        #expect(client.receiveToEnd() == last)
        let nothing: [UInt8] = []
        #expect(service.streams[0].sendLast(nothing.span) == .sent(0))
        client.close()
        let ended = service.end()
        #expect(ended)
    }

    @Test func `what came before the stream is read without a poll`() throws {
        let loop = try EventLoop()
        var ends: [Int32] = [-1, -1]
        try #require(
            unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0)
        let (stream, recorder, far) = (try TCPStream(loop, descriptor: ends[0]), Recorder(), ends[1])
        stream.setHandler(recorder)
        _ = unsafe write(far, "x", 1)
        stream.readAtOnce()
        // Nobody has asked for it yet.
        #expect(recorder.received.isEmpty)
        stream.startReading()
        stream.readAtOnce()
        #expect(recorder.received == Array("x".utf8))
        // Nor is nothing an end, or a failure.
        stream.readAtOnce()
        #expect(recorder.ends == 0 && recorder.failures.isEmpty)
        _ = unsafe write(far, "y", 1)
        recorder.onReceive = { $0.close() }
        stream.readAtOnce()
        stream.readAtOnce()
        #expect(recorder.received == Array("xy".utf8) && stream.isClosed)
        Glibc.close(far)
        let ended = loop.turnToEnd()
        #expect(ended)
    }

    @Test func `sending nothing is nothing sent`() throws {
        let service = try Service(EventLoop())
        let client = try #require(RawClient(port: service.port))
        _ = service.accept()
        let nothing: [UInt8] = []
        #expect(service.streams[0].send(nothing.span) == .sent(0))
        client.close()
        let over = service.end()
        #expect(over)
    }

    @Test func `what is no socket is refused`() throws {
        let loop = try EventLoop()
        #expect(throws: SystemError.self) { try TCPStream(loop, descriptor: -1) }
        let ended = loop.turnToEnd()
        #expect(ended)
    }
}
